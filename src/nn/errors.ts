/** The error of the training engine: a code that travels as data plus an English detail for developers. */

export type NnErrorCode =
  | 'shape-mismatch' // an operator or feed got shapes or types which do not fit
  | 'operator-refused' // an ONNX operator that silently computes wrong numbers somewhere
  | 'name-taken' // two tensors of one graph asked for the same name
  | 'gradient-missing' // a trainable parameter does not influence the loss
  | 'update-hazard' // an in-place update could overtake a node which still reads the old value
  | 'not-finite' // the loss or the gradient stayed infinite or NaN
  | 'provider-unavailable' // no asked execution provider could be opened
  | 'tensor-not-on-cpu' // an output lies on a device and may not be read from here
  | 'weights-corrupt' // a weights file contradicts itself
  | 'weights-mismatch' // a weights file does not fit the model
  | 'checkpoint-unsupported' // a checkpoint of another kind than this engine runs
  | 'checkpoint-incomplete' // a checkpoint that lacks a file or a tensor
  | 'tokenizer-unusable' // a tokenizer that cannot be read or is not this model's
  | 'memory-short' // a model that needs more memory than there is
  | 'model-too-large'; // a serialized graph beyond protobuf's 2 GiB

export class NnError extends Error {
  readonly code: NnErrorCode;

  constructor(code: NnErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NnError';
    this.code = code;
  }
}
