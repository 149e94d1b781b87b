import { toBinary } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import {
  DescriptorProtoSchema,
  EnumDescriptorProtoSchema,
  ServiceDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";

/** A file as the argument that lazyFileDesc takes. */
export function printSource({ name, package: packageName, messageType, enumType, service }) {
  const messages = messageType.map(listMessage);
  const enums = enumType.map((type) => [type.name, encode(EnumDescriptorProtoSchema, type)]);
  const services = service.map((type) => [type.name, encode(ServiceDescriptorProtoSchema, type)]);
  const rows = (types) => `[\n${types.map((row) => `      ${JSON.stringify(row)},\n`).join("")}    ]`;
  return `{
    name: ${JSON.stringify(name)},
    package: ${JSON.stringify(packageName)},
    messages: ${rows(messages)},
    enums: ${rows(enums)},
    services: ${rows(services)},
  }`;
}

function listMessage(type) {
  if (type.nestedType.some((nested) => !nested.options?.mapEntry) || type.extension.length > 0) {
    throw new Error(
      `${type.name}: src/lib/lazy-descriptors.ts knows no messages or extensions inside messages`,
    );
  }
  return [type.name, encode(DescriptorProtoSchema, type), ...type.enumType.map((nested) => nested.name)];
}

function encode(schema, type) {
  return base64Encode(toBinary(schema, type), "std_raw");
}
