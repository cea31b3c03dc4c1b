/**
 * The weights of a checkpoint as initializers that point into its files: ONNX Runtime maps them, nothing passes through
 * JavaScript. 32-bit and 4-bit matrices are used as they lie; 16-bit ones are widened, at loading or at each use.
 */
import type { DType } from '../dtype.ts';
import { NnError } from '../errors.ts';
import type { Graph, Tensor } from '../graph.ts';
import { INT4_PARTS, int4Product } from '../int4.ts';
import { plainMatrix } from '../layers.ts';
import type { ExternalLocation } from '../onnx-proto.ts';
import type { StoredType } from '../safetensors.ts';
import type { MatrixSource, Product } from '../scope.ts';
import { cast } from '../shape-ops.ts';
import type { PlacedTensor, PretrainedFolder } from './folder.ts';

const DTYPES: Partial<Record<StoredType, DType>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  U8: 'uint8',
};
/** The row look-up and the vectors; a table is widened row by row by whoever reads it. */
const TABLE = 'model.embed_tokens.weight';

export class PretrainedWeights {
  private readonly source: PretrainedFolder;
  private readonly placed = new WeakMap<Graph, Map<string, Tensor>>();

  constructor(source: PretrainedFolder) {
    this.source = source;
  }

  /** A parameter as the model's builder sees it. */
  readonly materialize = (graph: Graph, name: string): Tensor => {
    const tensor = this.external(graph, name);
    return name === TABLE ? tensor : cast(tensor, 'float32');
  };

  /** Matrices multiply from where they lie, and are never joined. */
  matrices(graph: Graph): MatrixSource {
    return {
      product: (place, own, shape): Product | null => {
        const name = place.nameOf(own);
        if (!this.source.shapes.has(name)) return null;
        if (!this.source.quantised.has(name))
          return (x, bias) => plainMatrix(cast(this.external(graph, name), 'float32')).multiply(x, bias);
        const packed = name + INT4_PARTS.packed;
        return int4Product(
          shape,
          () => this.external(graph, packed),
          () => this.external(graph, name + INT4_PARTS.scales),
          () => this.initializer(graph, `${packed}:nibbles`, 'uint4', shape, this.place(packed)),
        );
      },
    };
  }

  private external(graph: Graph, name: string): Tensor {
    const placed = this.place(name);
    const dtype = DTYPES[placed.stored.dtype];
    if (!dtype) throw new NnError('checkpoint-unsupported', `${name} is stored as ${placed.stored.dtype}`);
    return this.initializer(graph, name, dtype, placed.stored.shape, placed);
  }

  private initializer(
    graph: Graph,
    name: string,
    dtype: DType,
    shape: readonly number[],
    { file, stored }: PlacedTensor,
  ): Tensor {
    const known = this.placed.get(graph) ?? new Map<string, Tensor>();
    this.placed.set(graph, known);
    let tensor = known.get(name);
    if (!tensor) {
      const location: ExternalLocation = { location: file, offset: stored.offset, length: stored.length };
      known.set(name, (tensor = graph.initializer(name, dtype, shape, location)));
    }
    return tensor;
  }

  private place(name: string): PlacedTensor {
    const placed = this.source.tensors.get(name);
    if (!placed) throw new NnError('checkpoint-incomplete', `no file holds the tensor ${name}`);
    return placed;
  }
}
