import {
  create,
  createFileRegistry,
  fromBinary,
  type DescEnum,
  type DescEnumValue,
  type DescExtension,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescMethod,
  type DescOneof,
  type DescService,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import {
  DescriptorProtoSchema,
  Edition,
  EnumDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  ServiceDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";

/** A proto3 file in pieces: the name of each type, and its own descriptor in base64. */
export interface LazyFileSource {
  readonly name: string;
  readonly package: string;
  readonly messages: readonly (readonly [name: string, descriptor: string, ...enums: string[]])[];
  readonly enums: readonly (readonly [name: string, descriptor: string])[];
  readonly services: readonly (readonly [name: string, descriptor: string])[];
}

/**
 * Stands in for the library's `fileDesc`, which decodes all of a file as soon as it is imported. Here a type is
 * decoded when somebody first looks into it: a program that uses ten of three hundred pays for ten.
 */
export function lazyFileDesc(source: LazyFileSource, dependencies: DescFile[]): DescFile {
  const file: DescFile = {
    kind: "file",
    edition: Edition.EDITION_PROTO3,
    name: source.name.replace(/\.proto$/, ""),
    dependencies,
    messages: [],
    enums: [],
    services: [],
    extensions: [],
    deprecated: false,
    // Without the types: whoever wants theirs finds it with the type.
    proto: create(FileDescriptorProtoSchema, {
      name: source.name,
      package: source.package,
      syntax: "proto3",
      dependency: dependencies.map((dependency) => dependency.proto.name),
    }),
    toString: () => `file ${source.name}`,
  };
  file.messages.push(...source.messages.map(([name, ...rest]) => lazyMessage(file, name, ...rest)));
  file.enums.push(...source.enums.map(([name, descriptor]) => lazyEnum(file, name, descriptor)));
  file.services.push(...source.services.map(([name, descriptor]) => lazyService(file, name, descriptor)));
  return file;
}

function lazyMessage(file: DescFile, name: string, descriptor: string, ...enums: string[]): DescMessage {
  const decode = once(() => {
    const message = fromBinary(DescriptorProtoSchema, base64Decode(descriptor));
    const fields = [message, ...message.nestedType].flatMap(({ field }) => field);
    const mentioned = fields.map(({ typeName }) => typeName);
    return only(decodePart(file, { messageType: [message] }, mentioned).messages);
  });
  return new LazyMessage(file, name, enums, decode);
}

function lazyEnum(file: DescFile, name: string, descriptor: string): DescEnum {
  const decode = once(() => {
    const enumeration = fromBinary(EnumDescriptorProtoSchema, base64Decode(descriptor));
    return only(decodePart(file, { enumType: [enumeration] }, []).enums);
  });
  return new LazyEnum(file, undefined, name, decode);
}

function lazyService(file: DescFile, name: string, descriptor: string): DescService {
  const decode = once(() => {
    const service = fromBinary(ServiceDescriptorProtoSchema, base64Decode(descriptor));
    const mentioned = service.method.flatMap(({ inputType, outputType }) => [inputType, outputType]);
    return only(decodePart(file, { service: [service] }, mentioned).services);
  });
  return new LazyService(file, name, decode);
}

class LazyMessage implements DescMessage {
  readonly kind = "message";
  readonly typeName: string;
  readonly parent = undefined;
  readonly nestedEnums: DescEnum[];
  readonly nestedMessages: DescMessage[] = [];
  readonly nestedExtensions: DescExtension[] = [];

  constructor(
    readonly file: DescFile,
    readonly name: string,
    enums: readonly string[],
    private readonly decode: () => DescMessage,
  ) {
    this.typeName = `${file.proto.package}.${name}`;
    this.nestedEnums = enums.map((nested) => {
      const find = () => only(this.decode().nestedEnums.filter((found) => found.name === nested));
      return new LazyEnum(file, this, nested, once(find));
    });
  }

  get fields(): DescField[] {
    return this.decode().fields;
  }
  get field(): Record<string, DescField> {
    return this.decode().field;
  }
  get oneofs(): DescOneof[] {
    return this.decode().oneofs;
  }
  get members(): (DescField | DescOneof)[] {
    return this.decode().members;
  }
  get deprecated(): boolean {
    return this.decode().deprecated;
  }
  get proto(): DescMessage["proto"] {
    return this.decode().proto;
  }
  toString(): string {
    return `message ${this.typeName}`;
  }
}

class LazyEnum implements DescEnum {
  readonly kind = "enum";
  readonly typeName: string;

  constructor(
    readonly file: DescFile,
    readonly parent: DescMessage | undefined,
    readonly name: string,
    private readonly decode: () => DescEnum,
  ) {
    this.typeName = `${parent?.typeName ?? file.proto.package}.${name}`;
  }

  get open(): boolean {
    return this.decode().open;
  }
  get values(): DescEnumValue[] {
    return this.decode().values;
  }
  get value(): Record<number, DescEnumValue> {
    return this.decode().value;
  }
  get sharedPrefix(): string | undefined {
    return this.decode().sharedPrefix;
  }
  get deprecated(): boolean {
    return this.decode().deprecated;
  }
  get proto(): DescEnum["proto"] {
    return this.decode().proto;
  }
  toString(): string {
    return `enum ${this.typeName}`;
  }
}

class LazyService implements DescService {
  readonly kind = "service";
  readonly typeName: string;

  constructor(
    readonly file: DescFile,
    readonly name: string,
    private readonly decode: () => DescService,
  ) {
    this.typeName = `${file.proto.package}.${name}`;
  }

  get methods(): DescMethod[] {
    return this.decode().methods;
  }
  get method(): Record<string, DescMethod> {
    return this.decode().method;
  }
  get deprecated(): boolean {
    return this.decode().deprecated;
  }
  get proto(): DescService["proto"] {
    return this.decode().proto;
  }
  toString(): string {
    return `service ${this.typeName}`;
  }
}

type FilePart = Pick<
  MessageInitShape<typeof FileDescriptorProtoSchema>,
  "messageType" | "enumType" | "service"
>;

/**
 * Has the library make descriptors of a file with one type in it. That file imports no more than the types which the
 * one mentions, undecoded as they are: the library lists all that it is given, which for whole files takes longer
 * than decoding the type.
 */
function decodePart(whole: DescFile, part: FilePart, mentioned: readonly string[]): DescFile {
  const { package: packageName, syntax } = whole.proto;
  const name = `part of ${whole.proto.name}`;
  const dependency = [whole.proto.name];
  const proto = create(FileDescriptorProtoSchema, {
    ...part,
    name,
    package: packageName,
    syntax,
    dependency,
  });
  const registry = createFileRegistry(proto, () => narrow(whole, mentioned));
  return only([...registry.files].filter((file) => file.proto === proto));
}

function narrow(whole: DescFile, mentioned: readonly string[]): DescFile {
  const wanted = new Set(mentioned);
  const isWanted = ({ typeName }: DescMessage | DescEnum) => wanted.has(`.${typeName}`);
  const files = [whole, ...whole.dependencies];
  return {
    ...whole,
    dependencies: [],
    messages: files.flatMap(({ messages }) => messages.filter(isWanted)),
    enums: files.flatMap(({ enums }) => enums.filter(isWanted)),
    services: [],
  };
}

function once<T>(load: () => T): () => T {
  let loaded: T | undefined;
  return () => (loaded ??= load());
}

function only<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined || items.length > 1) {
    throw new Error("a descriptor does not hold the one type that it is named after");
  }
  return item;
}
