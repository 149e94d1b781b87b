import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  create,
  fromBinary,
  toBinary,
  toJson,
  type DescFile,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import {
  DescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  file_google_protobuf_duration,
  ServiceDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { lazyFileDesc } from "../../src/lib/lazy-descriptors.js";

function encodeMessage(init: MessageInitShape<typeof DescriptorProtoSchema>): string {
  return base64Encode(toBinary(DescriptorProtoSchema, create(DescriptorProtoSchema, init)));
}

const box = encodeMessage({
  name: "Box",
  field: [
    {
      name: "lid",
      number: 1,
      label: Label.OPTIONAL,
      type: Type.ENUM,
      typeName: ".box.Box.Lid",
      jsonName: "lid",
    },
    {
      name: "thing",
      number: 2,
      label: Label.OPTIONAL,
      type: Type.MESSAGE,
      typeName: ".box.Thing",
      jsonName: "thing",
    },
    {
      name: "kept_for",
      number: 3,
      label: Label.REPEATED,
      type: Type.MESSAGE,
      typeName: ".google.protobuf.Duration",
      jsonName: "keptFor",
    },
  ],
  enumType: [
    {
      name: "Lid",
      value: [
        { name: "LID_SHUT", number: 0 },
        { name: "LID_OPEN", number: 1 },
      ],
    },
  ],
});
const mover = create(ServiceDescriptorProtoSchema, {
  name: "Mover",
  method: [{ name: "Move", inputType: ".box.Box", outputType: ".box.Thing", serverStreaming: true }],
});

function makeFile(thing: string): DescFile {
  return lazyFileDesc(
    {
      name: "box.proto",
      package: "box",
      messages: [
        ["Box", box, "Lid"],
        ["Thing", thing],
      ],
      enums: [],
      services: [["Mover", base64Encode(toBinary(ServiceDescriptorProtoSchema, mover))]],
    },
    [file_google_protobuf_duration],
  );
}

describe("lazyFileDesc", () => {
  it("decodes a type when it is looked into, and no other", () => {
    const { messages, services } = makeFile("this is no descriptor");
    assert.deepEqual(
      messages.map(({ typeName }) => typeName),
      ["box.Box", "box.Thing"],
    );
    assert.equal(messages[0]?.fields.length, 3);
    assert.equal(services[0]?.methods.length, 1);
    assert.throws(() => messages[1]?.fields);
  });

  it("leads from a field or method to the very descriptor that the file lists", () => {
    const { messages, services } = makeFile(encodeMessage({ name: "Thing" }));
    assert.equal(messages[0]?.field["thing"]?.message, messages[1]);
    assert.equal(messages[0]?.field["lid"]?.enum?.values[1]?.name, "LID_OPEN");
    assert.equal(messages[0]?.nestedEnums[0]?.typeName, "box.Box.Lid");
    assert.equal(services[0]?.method["move"]?.input, messages[0]);
    assert.equal(services[0]?.method["move"]?.methodKind, "server_streaming");
  });

  it("makes messages that the library writes and reads like any other", () => {
    const [schema] = makeFile(encodeMessage({ name: "Thing" })).messages;
    assert.ok(schema);
    const bytes = Uint8Array.of(0x08, 1, 0x12, 0, 0x1a, 2, 0x08, 30);
    const message = fromBinary(schema, bytes);
    assert.deepEqual(toJson(schema, message), { lid: "LID_OPEN", thing: {}, keptFor: ["30s"] });
    assert.deepEqual(toBinary(schema, message), bytes);
  });
});
