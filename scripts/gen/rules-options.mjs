import { clone } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

const rulesFile = "buf/validate/validate.proto";

/** The file as the messages need it: no rules, and no import of the file that declares what a rule is. */
export function withoutRules(original) {
  const file = withoutRulesImport(original);
  file.messageType.forEach(stripMessage);
  return file;
}

/** The file as the request check needs it: with the rules, without services. */
export function onlyRules(original) {
  const file = withoutRulesImport(original);
  file.service = [];
  return file;
}

function withoutRulesImport(original) {
  const file = clone(FileDescriptorProtoSchema, original);
  file.dependency = file.dependency.filter((name) => name !== rulesFile);
  return file;
}

function stripMessage(message) {
  for (const owner of [message, ...message.field, ...message.oneofDecl]) {
    stripOptions(owner);
  }
  message.nestedType.forEach(stripMessage);
}

// The rules are extensions that nobody registered when the image was read, so they are exactly its unknown fields.
function stripOptions(owner) {
  if (owner.options === undefined) {
    return;
  }
  delete owner.options.$unknown;
  const isEmpty = Object.keys(owner.options).every(
    (key) => key === "$typeName" || isEmptyList(owner.options[key]),
  );
  if (isEmpty) {
    owner.options = undefined;
  }
}

function isEmptyList(value) {
  return Array.isArray(value) && value.length === 0;
}
