import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";

/**
 * Proto source for a proto2 file that is known only by its descriptor: names, numbers and types.
 * Its own options are left out: whoever imports the file needs to know what there is, no more.
 */
export function printDeclarations(file) {
  const lines = ['syntax = "proto2";', `package ${file.package};`];
  lines.push(...file.dependency.map((name) => `import "${name}";`));
  lines.push(...file.enumType.flatMap(printEnum), ...file.messageType.flatMap(printMessage));
  lines.push(...file.extension.flatMap(printExtension));
  return `${lines.join("\n")}\n`;
}

function printMessage(message) {
  return [
    `message ${message.name} {`,
    ...message.enumType.flatMap(printEnum),
    ...message.nestedType.flatMap(printMessage),
    ...message.field.filter((field) => !inOneof(field)).map(printField),
    ...message.oneofDecl.flatMap((oneof, index) => [
      `oneof ${oneof.name} {`,
      ...message.field.filter((field) => inOneof(field) && field.oneofIndex === index).map(printOneofField),
      "}",
    ]),
    ...message.extensionRange.map((range) => `extensions ${range.start} to ${range.end - 1};`),
    "}",
  ];
}

function printEnum(declaration) {
  const values = declaration.value.map((value) => `${value.name} = ${value.number};`);
  return [`enum ${declaration.name} {`, ...values, "}"];
}

function printExtension(field) {
  return [`extend ${field.extendee} {`, printField(field), "}"];
}

function printField(field) {
  return `${Label[field.label].toLowerCase()} ${printOneofField(field)}`;
}

function printOneofField(field) {
  return `${field.typeName || Type[field.type].toLowerCase()} ${field.name} = ${field.number};`;
}

function inOneof(field) {
  return Object.hasOwn(field, "oneofIndex");
}
