/** How much memory a model takes when it is open, estimated from the size of its files. Measures nothing. */

/** Node's graphs and threads for a model, however small. */
const FIXED_BYTES = 60e6;
/**
 * Weights are stored in half precision and held in single; ONNX Runtime keeps a copy for each batch size beside them.
 * Measured on the shipped pack: scripts/bench-devices.ts prints it.
 */
const BYTES_PER_STORED_BYTE = 12;

/** @param storedBytes of the model's files, with those of the pack that it stands on */
export function memoryNeeded(storedBytes: number): number {
  return FIXED_BYTES + BYTES_PER_STORED_BYTE * storedBytes;
}
