import type { Circuit } from '../../../circuit/circuit.js';
import { kindOf, Op, OPERAND_COUNT } from '../../../circuit/circuit.js';
import type { Schedule } from '../../../timing/schedule.js';
import type { BitSource } from '../bits.js';
import type { Chain } from './carry.js';
import { ArithmeticMapper } from './carry.js';
import type { WideMux } from './cover.js';
import { Coverer } from './cover.js';
import { Logic } from './logic.js';
import type { Lut, Site } from './lut.js';
import { pairLuts } from './lut.js';
import type { Net } from './nets.js';
import { bitNet, isTransparent } from './nets.js';

/** Everything of one pipeline stage that is made of primitives. */
export interface StagePlan {
  readonly sites: readonly Site[];
  readonly muxes: readonly WideMux[];
  readonly chains: readonly Chain[];
  readonly aliases: readonly { readonly output: Net; readonly value: Net }[];
}

interface Stage {
  readonly luts: Lut[];
  readonly sites: Site[];
  readonly muxes: WideMux[];
  readonly chains: Chain[];
  readonly aliases: { readonly output: Net; readonly value: Net }[];
  readonly made: Set<string>;
}

/**
 * Maps the logic, sums and comparisons of a schedule to LUTs, carry chains and wide multiplexers. Ops are asked for last
 * one first; what they read is told through `read`, so that nothing unread is made.
 */
export class Plan {
  private readonly logic: Logic;
  private readonly coverer: Coverer;
  private readonly arithmetic: ArithmeticMapper;
  private readonly stages: Stage[] = [];

  constructor(net: BitSource, schedule: Schedule, private readonly read: (op: number, stage: number, bit: number) => void, private readonly includes: (op: number) => boolean) {
    const once = onlyReader(net.circuit, schedule.stage);
    const hasOneReader = (op: number): boolean => once[op] === 1;
    this.logic = new Logic(net, schedule.stage, includes);
    this.coverer = new Coverer(this.logic, hasOneReader);
    this.arithmetic = new ArithmeticMapper(this.logic, this.coverer, hasOneReader, innerAdders(schedule));
  }

  /** Whether an op is made of primitives. */
  handles(op: number): boolean {
    return this.includes(op) && (this.logic.isLogic(op) || this.arithmetic.isArithmetic(op));
  }

  /** Whether all bits of an op are made once any is read. */
  drivesAll(op: number): boolean {
    return !this.logic.isLogic(op);
  }

  /** Makes the bits of an op that are read. */
  make(op: number, width: number, bits: readonly number[]): void {
    const stage = this.logic.stageOf(op);
    if (this.logic.isLogic(op)) for (const bit of bits) this.makeLogic(bitNet(op, bit), stage);
    else {
      const { sites, chain, aliases, reads } = this.arithmetic.map(op, width, stage);
      const own = this.stage(stage);
      own.sites.push(...sites);
      own.aliases.push(...aliases);
      if (chain !== undefined) own.chains.push(chain);
      this.want(reads, stage);
    }
  }

  finish(): readonly StagePlan[] {
    return Array.from(this.stages, (stage): StagePlan => {
      if (stage === undefined) return { sites: [], muxes: [], chains: [], aliases: [] };
      const { sites, luts, muxes, chains, aliases } = stage;
      return { sites: [...sites, ...pairLuts(luts.slice().reverse())], muxes, chains, aliases };
    });
  }

  private stage(at: number): Stage {
    return (this.stages[at] ??= { luts: [], sites: [], muxes: [], chains: [], aliases: [], made: new Set() });
  }

  private makeLogic(net: Net, stage: number): void {
    const own = this.stage(stage);
    if (own.made.has(net.key)) return;
    own.made.add(net.key);
    const node = this.logic.nodeOf(net);
    if (node === undefined) return;
    const { luts, muxes, reads } = this.coverer.cover(net, node, stage);
    const level = node.level ?? (net.kind === 'bit' ? this.logic.levelOf(net.op) : 0);
    for (const lut of luts) {
      const [only] = lut.inputs;
      if (lut.inputs.length === 1 && lut.truth === 2n && only !== undefined) own.aliases.push({ output: lut.output, value: only });
      else own.luts.push({ ...lut, level });
    }
    own.muxes.push(...muxes);
    this.want(reads, stage);
  }

  private want(nets: readonly Net[], stage: number): void {
    for (const net of nets) {
      if (net.kind === 'bit') this.read(net.op, stage, net.bit);
      else if (net.kind === 'helper') this.makeLogic(net, stage);
    }
  }
}

/** By the adder that has one as a part, that one. */
function innerAdders({ partOf }: Schedule): ReadonlyMap<number, number> {
  const parts = new Map<number, number>();
  partOf?.forEach((outer, op) => {
    if (outer >= 0) parts.set(outer, op);
  });
  return parts;
}

/** 1 for each op that one op of its own stage reads and nothing else, seen through wires and concatenations. */
function onlyReader(circuit: Circuit, stage: Int32Array): Uint8Array {
  const count = new Uint8Array(circuit.size);
  const see = (op: number, by: number): void => {
    // Bits that are put together are read one by one, however deep they are nested.
    const seen = new Set<number>();
    const stack = [op];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      if (!isTransparent(circuit, at)) note(at, by);
      else stack.push(circuit.a[at] as number, ...(kindOf(circuit, at) === Op.add ? [circuit.b[at] as number] : []));
    }
  };
  const note = (op: number, by: number): void => {
    count[op] = Math.min(2, (count[op] as number) + (by >= 0 && stage[by] === stage[op] ? 1 : 2));
  };
  for (let op = 0; op < circuit.size; op++) {
    const operands = OPERAND_COUNT[kindOf(circuit, op)] as number;
    if (isTransparent(circuit, op)) continue;
    const list = [circuit.a[op], circuit.b[op], circuit.c[op]].slice(0, operands) as number[];
    for (const operand of new Set(list)) see(operand, op);
  }
  for (const port of circuit.outputs) for (const op of port.ops) see(op, -1);
  return count;
}
