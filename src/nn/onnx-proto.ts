/** Writes ONNX model files: the protobuf messages of onnx.proto3 which this engine emits. It never reads a model. */
import protobuf from 'protobufjs';
import { BYTES, type DType, type NumericArray, type Shape, sizeOf } from './dtype.ts';
import { NnError } from './errors.ts';

// Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (messages and fields that we write).
const SCHEMA = `
syntax = "proto2"; package onnx;
message AttributeProto {
  optional string name = 1; optional float f = 2; optional int64 i = 3; optional bytes s = 4; optional TensorProto t = 5;
  repeated float floats = 7; repeated int64 ints = 8; optional int32 type = 20;
}
message NodeProto {
  repeated string input = 1; repeated string output = 2; optional string name = 3; optional string opType = 4;
  repeated AttributeProto attribute = 5; optional string domain = 7;
}
message StringStringEntryProto { optional string key = 1; optional string value = 2; }
message TensorProto {
  repeated int64 dims = 1; optional int32 dataType = 2; optional string name = 8; optional bytes rawData = 9;
  repeated StringStringEntryProto externalData = 13; optional int32 dataLocation = 14;
}
message TensorShapeProto {
  message Dimension { optional int64 dimValue = 1; }
  repeated Dimension dim = 1;
}
message TypeProto {
  message Tensor { optional int32 elemType = 1; optional TensorShapeProto shape = 2; }
  optional Tensor tensorType = 1;
}
message ValueInfoProto { optional string name = 1; optional TypeProto type = 2; }
message GraphProto {
  repeated NodeProto node = 1; optional string name = 2; repeated TensorProto initializer = 5;
  repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12;
}
message OperatorSetIdProto { optional string domain = 1; optional int64 version = 2; }
message ModelProto {
  optional int64 irVersion = 1; optional string producerName = 2; optional GraphProto graph = 7;
  repeated OperatorSetIdProto opsetImport = 8;
}`;
const ModelProto = protobuf.parse(SCHEMA, { keepCase: true }).root.lookupType('onnx.ModelProto');

/** TensorProto.DataType */
export const DATA_TYPE: Record<DType, number> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
  uint4: 21,
};
const ATTRIBUTE = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7 } as const;
const EXTERNAL = 1; // TensorProto.DataLocation
const IR_VERSION = 10; // goes with opsets 21 to 26; onnxruntime 1.30 refuses opset 27
const PROTOBUF_LIMIT = 2 ** 31 - 1;

/** Where an initializer's bytes lie when they are not inside the model: a file beside it (see session.ts). */
export interface ExternalLocation {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

export interface Initializer {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data: NumericArray | ExternalLocation;
}

/** Plain numbers are ONNX integers; a real number is wrapped by `real()` because JavaScript cannot tell 1 from 1.0. */
export type Attribute = number | string | readonly number[] | { readonly real: number } | Initializer;
export const real = (value: number): Attribute => ({ real: value });

export interface NodeRecord {
  readonly operator: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface ValueInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

export interface ModelRecord {
  readonly opset: number;
  readonly nodes: readonly NodeRecord[];
  readonly initializers: readonly Initializer[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

function tensorProto(tensor: Initializer): object {
  const { name, dtype, shape, data } = tensor;
  const head = { name, dataType: DATA_TYPE[dtype], dims: shape };
  if ('location' in data) {
    const entries = { location: data.location, offset: String(data.offset), length: String(data.length) };
    return {
      ...head,
      dataLocation: EXTERNAL,
      externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
    };
  }
  return { ...head, rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

function attributeProto(name: string, value: Attribute): object {
  if (typeof value === 'string') return { name, type: ATTRIBUTE.string, s: new TextEncoder().encode(value) };
  if (typeof value === 'number') {
    if (!Number.isInteger(value))
      throw new NnError('shape-mismatch', `attribute ${name}: use real(${value})`);
    return { name, type: ATTRIBUTE.int, i: value };
  }
  if ('real' in value) return { name, type: ATTRIBUTE.float, f: value.real };
  if ('data' in value) return { name, type: ATTRIBUTE.tensor, t: tensorProto(value) };
  return { name, type: ATTRIBUTE.ints, ints: value };
}

function valueInfoProto({ name, dtype, shape }: ValueInfo): object {
  const dim = shape.map((d) => ({ dimValue: d }));
  return { name, type: { tensorType: { elemType: DATA_TYPE[dtype], shape: { dim } } } };
}

/** The bytes of an ONNX model. Throws `model-too-large` beyond protobuf's 2 GiB: keep such weights external. */
export function encodeModel(model: ModelRecord): Uint8Array {
  const inside = model.initializers.reduce(
    (bytes, t) => bytes + ('location' in t.data ? 0 : sizeOf(t.shape) * BYTES[t.dtype]),
    0,
  );
  if (inside > PROTOBUF_LIMIT)
    throw new NnError('model-too-large', `${inside} bytes of weights inside one model`);
  return ModelProto.encode({
    irVersion: IR_VERSION,
    producerName: 'flame',
    opsetImport: [
      { domain: '', version: model.opset },
      { domain: 'com.microsoft', version: 1 },
    ],
    graph: {
      name: 'flame',
      node: model.nodes.map((node) => ({
        opType: node.operator,
        domain: node.domain,
        name: `${node.operator}:${node.outputs[0] ?? ''}`,
        input: node.inputs,
        output: node.outputs,
        attribute: Object.entries(node.attributes).map(([name, value]) => attributeProto(name, value)),
      })),
      initializer: model.initializers.map(tensorProto),
      input: model.inputs.map(valueInfoProto),
      output: model.outputs.map(valueInfoProto),
    },
  }).finish();
}
