import type { Logic, LogicNode } from './logic.js';
import type { Lut } from './lut.js';
import { reduced, truthOf } from './lut.js';
import type { Net } from './nets.js';
import { helperNet } from './nets.js';

/** A free multiplexer beside LUTs: output = select ? whenOne : whenZero. */
export interface WideMux {
  readonly kind: 'MUXF7' | 'MUXF8';
  readonly output: Net;
  readonly whenZero: Net;
  readonly whenOne: Net;
  readonly select: Net;
}

/** How one net is made: LUTs (inputs first) and wide multiplexers, and the nets they read. */
export interface Cover {
  readonly luts: readonly Lut[];
  readonly muxes: readonly WideMux[];
  readonly reads: readonly Net[];
}

const INPUTS = 6;

/** Chooses which nets become outputs of LUTs. */
export class Coverer {
  private fresh = 0;

  constructor(
    private readonly logic: Logic,
    /** Whether only one reader wants an op, in its own stage. */
    private readonly hasOneReader: (op: number) => boolean,
  ) {}

  /** The node behind a net that a reader in `stage` may look through. */
  lookThrough(net: Net, stage: number): LogicNode | undefined {
    if (net.kind === 'bit' && this.logic.stageOf(net.op) !== stage) return undefined;
    return this.logic.nodeOf(net);
  }

  /** Inputs of a function of nets after absorbing what only it reads, or undefined if they are more than `most` to begin with. */
  leaves(start: readonly Net[], stage: number, most: number, absorbs: (net: Net) => boolean): readonly Net[] | undefined {
    let leaves = distinct(start);
    if (leaves.length > most) return undefined;
    for (;;) {
      let best: readonly Net[] | undefined;
      for (const leaf of leaves) {
        const node = this.lookThrough(leaf, stage);
        if (node === undefined) continue;
        const single = distinct(node.inputs).length <= 1;
        if (!single && !absorbs(leaf)) continue;
        const grown = distinct([...leaves.filter((other) => other !== leaf), ...node.inputs]);
        if (grown.length <= most && (best === undefined || grown.length < best.length)) best = grown;
      }
      if (best === undefined) return leaves;
      leaves = best;
    }
  }

  /** The value of a net, given those of the leaves. */
  evaluate(net: Net, values: ReadonlyMap<string, 0 | 1>): 0 | 1 {
    if (net.kind === 'constant') return net.value;
    const known = values.get(net.key);
    if (known !== undefined) return known;
    const node = this.logic.nodeOf(net) as LogicNode;
    return node.value(node.inputs.map((input) => this.evaluate(input, values))) === 0 ? 0 : 1;
  }

  /** A LUT of the function that `value` computes from nets. */
  lut(output: Net, leaves: readonly Net[], value: (net: (net: Net) => 0 | 1) => number): Lut {
    const truth = truthOf(leaves.length, (assignment) => {
      const values = new Map(leaves.map((leaf, i) => [leaf.key, assignment[i] as 0 | 1]));
      return value((net) => this.evaluate(net, values));
    });
    return reduced({ output, inputs: leaves, truth });
  }

  readonly absorbsSingle = (net: Net): boolean => net.kind === 'bit' && this.hasOneReader(net.op);

  /** How the output of a node is made. */
  cover(output: Net, node: LogicNode, stage: number): Cover {
    const inputs = distinct(node.inputs);
    if (inputs.length > INPUTS) return this.wideTable(output, node, inputs);
    const leaves = this.leaves(inputs, stage, INPUTS, this.absorbsSingle) as readonly Net[];
    if (node.isChoice === true && leaves.some((leaf) => this.absorbsSingle(leaf) && this.lookThrough(leaf, stage) !== undefined)) {
      const wide = this.wideChoice(output, node, stage, 'MUXF8') ?? this.wideChoice(output, node, stage, 'MUXF7');
      if (wide !== undefined) return wide;
    }
    const lut = this.lut(output, leaves, (value) => node.value(node.inputs.map(value)));
    return { luts: [lut], muxes: [], reads: lut.inputs };
  }

  /** A choice between two functions that each fill a LUT (or a pair of them), by a multiplexer beside them. */
  private wideChoice(output: Net, node: LogicNode, stage: number, kind: WideMux['kind']): Cover | undefined {
    const [select, one, zero] = node.inputs as [Net, Net, Net];
    if (select.kind === 'constant') return undefined;
    const [forZero, forOne] = [helperNet(--this.fresh), helperNet(--this.fresh)];
    const sides = ([[zero, forZero], [one, forOne]] as const).map(([side, target]): Cover | undefined => {
      const own = this.lookThrough(side, stage);
      if (own === undefined || !this.absorbsSingle(side) || (kind === 'MUXF8' && own.isChoice !== true)) return undefined;
      if (kind === 'MUXF8') return this.wideChoice(target, own, stage, 'MUXF7');
      const start = distinct(own.inputs);
      const leaves = start.length > INPUTS ? undefined : this.leaves(start, stage, INPUTS, this.absorbsSingle);
      if (leaves === undefined || leaves.length < 4 || leaves.some((leaf) => this.absorbsSingle(leaf) && this.lookThrough(leaf, stage) !== undefined)) return undefined;
      const lut = { ...this.lut(target, leaves, (value) => own.value(own.inputs.map(value))), alone: true };
      return { luts: [lut], muxes: [], reads: lut.inputs };
    });
    const [whenZero, whenOne] = sides;
    if (whenZero === undefined || whenOne === undefined) return undefined;
    return {
      luts: [...whenZero.luts, ...whenOne.luts],
      muxes: [...whenZero.muxes, ...whenOne.muxes, { kind, output, whenZero: forZero, whenOne: forOne, select }],
      reads: distinct([...whenZero.reads, ...whenOne.reads, select]),
    };
  }

  /** A table of seven or eight address bits: a LUT a value of the highest ones. */
  private wideTable(output: Net, node: LogicNode, inputs: readonly Net[]): Cover {
    const low = inputs.slice(0, INPUTS);
    const high = inputs.slice(INPUTS);
    const luts: Lut[] = [];
    const muxes: WideMux[] = [];
    let layer: Net[] = [];
    for (let code = 0; code < 1 << high.length; code++) {
      const own = helperNet(--this.fresh);
      const fixed = new Map(high.map((net, i) => [net.key, ((code >> i) & 1) as 0 | 1]));
      const truth = truthOf(low.length, (assignment) => {
        const values = new Map([...fixed, ...low.map((leaf, i) => [leaf.key, assignment[i] as 0 | 1] as const)]);
        return node.value(node.inputs.map((input) => this.evaluate(input, values)));
      });
      luts.push({ output: own, inputs: low, truth, alone: true });
      layer.push(own);
    }
    high.forEach((select, level) => {
      const kind = level === 0 ? 'MUXF7' : 'MUXF8';
      const next: Net[] = [];
      for (let i = 0; i < layer.length; i += 2) {
        const own = layer.length === 2 ? output : helperNet(--this.fresh);
        muxes.push({ kind, output: own, whenZero: layer[i] as Net, whenOne: layer[i + 1] as Net, select });
        next.push(own);
      }
      layer = next;
    });
    return { luts, muxes, reads: inputs };
  }
}

/** The nets without constants and repetitions. */
export function distinct(nets: readonly Net[]): readonly Net[] {
  const seen = new Set<string>();
  return nets.filter((net) => {
    if (net.kind === 'constant' || seen.has(net.key)) return false;
    seen.add(net.key);
    return true;
  });
}
