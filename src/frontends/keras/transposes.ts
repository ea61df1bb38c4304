import type { LayerKind, LayerParams } from '../../layers/registry.js';
import type { LayerSink, TensorRef } from '../network.js';

/** A tensor that is another one with its axes permuted: `axes[i]` is the axis of `source` that became axis i. */
interface Transposed {
  readonly source: TensorRef;
  readonly perm: readonly number[];
}

/**
 * Keras' tensors have their channels last, convolutions here have them first, so layers transpose around themselves. This
 * keeps what is a transpose of what: two in a row become one or none, and layers that look at one element at a time go
 * in front of a transpose, so that the next layer's own transpose meets it. What is left over is pruned with the graph.
 */
export class TransposeKeeper {
  private readonly transposed = new Map<string, Transposed>();

  constructor(private readonly sink: LayerSink) {}

  add<K extends LayerKind>(kind: K, params: LayerParams[K], inputs: readonly TensorRef[], name: string): TensorRef {
    if (kind === 'transpose') return this.transpose((params as LayerParams['transpose']).perm, inputs[0] as TensorRef, name);
    const own = this.commonTranspose(inputs);
    const moved = own === undefined ? undefined : moveThrough(kind, params, own.perm);
    if (own === undefined || moved === undefined) return this.sink.add(kind, params, inputs, name);
    return this.transpose(own.perm, this.sink.add(kind, moved, own.sources, name), `${name}/transpose`);
  }

  private transpose(perm: readonly number[], x: TensorRef, name: string): TensorRef {
    const known = this.transposed.get(x.tensor);
    const source = known?.source ?? x;
    const whole = known === undefined ? perm : perm.map((axis) => known.perm[axis] as number);
    if (whole.every((axis, i) => axis === i)) return source;
    const result = this.sink.add('transpose', { perm: whole }, [source], name);
    this.transposed.set(result.tensor, { source, perm: whole });
    return result;
  }

  /** The sources of all inputs, where they are of one shape and permuted alike. */
  private commonTranspose(inputs: readonly TensorRef[]): { readonly sources: readonly TensorRef[]; readonly perm: readonly number[] } | undefined {
    const known = inputs.map((input) => this.transposed.get(input.tensor));
    const [first] = known;
    if (first === undefined || !known.every((other) => other !== undefined && sameList(other.perm, first.perm) && sameList(other.source.shape, first.source.shape))) return undefined;
    return { sources: known.map((other) => (other as Transposed).source), perm: first.perm };
  }
}

function sameList(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** The parameters of a layer in front of a transpose that give the same behind it; undefined for layers that cannot. */
function moveThrough<K extends LayerKind>(kind: K, params: LayerParams[K], perm: readonly number[]): LayerParams[K] | undefined {
  switch (kind) {
    case 'activation':
    case 'clip':
    case 'elementwise':
      return params;
    case 'batchNormalization': {
      const own = params as LayerParams['batchNormalization'];
      return { ...own, axis: perm[own.axis] as number } as LayerParams[K];
    }
    case 'fixedQuant': {
      const own = params as LayerParams['fixedQuant'];
      return [own.signed, own.integerBits, own.fractionBits].every((part) => part.data.length === 1) ? params : undefined;
    }
    case 'bipolarQuant':
      return (params as LayerParams['bipolarQuant']).scale.data.length === 1 ? params : undefined;
    case 'staircase': {
      const own = params as LayerParams['staircase'];
      return { ...own, axis: perm[own.axis] as number } as LayerParams[K];
    }
    default:
      return undefined;
  }
}
