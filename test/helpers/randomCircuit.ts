import { CircuitBuilder } from '../../src/circuit/builder.js';
import type { Circuit, OutputPort, Port, Table } from '../../src/circuit/circuit.js';
import { elementCount, hiOf, loOf, Op } from '../../src/circuit/circuit.js';
import type { FixedType } from '../../src/fixed/fixedType.js';
import { fixedType, OVERFLOWS, ROUNDINGS, typeOfInterval } from '../../src/fixed/fixedType.js';
import type { Int } from '../../src/fixed/integer.js';
import { intervalWidth } from '../../src/fixed/interval.js';
import { Random } from './random.js';

export interface RandomCircuitOptions {
  /** Ops besides inputs, about; 40 if not given. */
  readonly ops?: number;
  /** No op is wider than this, in bits; 100 if not given. */
  readonly maxWidth?: number;
  /** Share equal ops while building; off if not given, so that passes have something to find. */
  readonly share?: boolean;
}

/**
 * A circuit with every kind of op, every rounding and overflow mode, widths from 1 to maxWidth bits, several inputs and
 * outputs with types of their own, dead ops, repeated ops and ops of constants. The seed decides all of it.
 */
export function randomCircuit(seed: number, options: RandomCircuitOptions = {}): Circuit {
  return new RandomCircuit(seed, options).build();
}

/** Raw inputs: first those with every element at its lowest, at its highest and at 0 (or nearest), then random ones. */
export function randomInputs(circuit: Circuit, seed: number, count: number): Int[][][] {
  const random = new Random(seed ^ 0x5bd1e995);
  const ranges = inputRanges(circuit);
  const vectors: Int[][][] = [
    ranges.map((port) => port.map((range) => range.lo)),
    ranges.map((port) => port.map((range) => range.hi)),
    ranges.map((port) => port.map((range) => (range.lo > 0 ? range.lo : range.hi < 0 ? range.hi : 0))),
  ];
  while (vectors.length < count) vectors.push(ranges.map((port) => port.map((range) => random.exact(range.lo, range.hi))));
  return vectors.slice(0, count);
}

function inputRanges(circuit: Circuit): { lo: Int; hi: Int }[][] {
  const ranges = circuit.inputs.map((port) => Array.from({ length: elementCount(port) }, () => ({ lo: 0 as Int, hi: 0 as Int })));
  for (let op = 0; op < circuit.size; op++) {
    if (circuit.kind[op] !== Op.input) continue;
    (ranges[circuit.a[op] as number] as { lo: Int; hi: Int }[])[circuit.b[op] as number] = { lo: loOf(circuit, op), hi: hiOf(circuit, op) };
  }
  return ranges;
}

export function randomType(random: Random, maxWidth: number): FixedType {
  const width = random.chance(0.2) ? random.int(1, maxWidth) : random.int(1, Math.min(maxWidth, 14));
  const fraction = random.int(-4, 8);
  return fixedType(random.chance(0.6), width, width - fraction, random.pick(ROUNDINGS), random.chance(0.4) ? 'WRAP' : random.pick(OVERFLOWS));
}

class RandomCircuit {
  private readonly random: Random;
  private readonly builder: CircuitBuilder;
  private readonly maxWidth: number;
  private readonly count: number;
  /** Ops to draw operands from, and the 0-or-1 ones among them. */
  private readonly values: number[] = [];
  private readonly conditions: number[] = [];

  constructor(seed: number, options: RandomCircuitOptions) {
    this.random = new Random(seed);
    this.builder = new CircuitBuilder(`random_${seed}`, { share: options.share ?? false });
    this.maxWidth = options.maxWidth ?? 100;
    this.count = options.ops ?? 40;
  }

  build(): Circuit {
    const { random, builder } = this;
    const ports = random.int(1, 3);
    for (let p = 0; p < ports; p++) this.addInput(p);
    for (let i = 0; i < this.count; i++) {
      if (i % 7 === 0) builder.setOrigin({ layer: `layer_${random.int(0, 3)}`, kind: 'random' }, random.int(-1, 5));
      this.keep(this.addOp());
    }
    const outputs = random.int(1, 3);
    for (let p = 0; p < outputs; p++) this.addOutput(p);
    return builder.finish();
  }

  private addInput(p: number): void {
    const { random, builder } = this;
    const elements = random.int(1, 4);
    const oneType = random.chance(0.5);
    const types = Array.from({ length: oneType ? 1 : elements }, () => randomType(random, Math.min(this.maxWidth, 60)));
    const port: Port = { name: `in_${p}`, shape: elements === 4 ? [2, 2] : [elements], types };
    const narrow = random.chance(0.2) ? Array.from({ length: elements }, (_, i) => {
      const type = (oneType ? types[0] : types[i]) as FixedType;
      return { lo: 0, hi: type.signed && type.width === 1 ? 0 : 1, exp: type.integer - type.width };
    }) : undefined;
    for (const op of builder.addInput(port, narrow)) this.keep(op);
  }

  private keep(op: number): void {
    const interval = this.builder.intervalOf(op);
    const width = intervalWidth(interval);
    if (width > this.maxWidth || Math.abs(interval.exp) > 64) {
      // Too wide or too far off to go on with: bring it back by a cast.
      this.values.push(this.builder.cast(op, { ...randomType(this.random, 20) }));
      return;
    }
    this.values.push(op);
    if (interval.exp === 0 && interval.lo >= 0 && interval.hi <= 1) this.conditions.push(op);
  }

  private any(): number {
    const { random, values } = this;
    // Mostly recent ones, so that chains grow.
    return random.chance(0.6) ? (values[random.int(Math.max(0, values.length - 8), values.length - 1)] as number) : random.pick(values);
  }

  private condition(): number {
    const { random, builder } = this;
    if (this.conditions.length > 0 && random.chance(0.4)) return random.pick(this.conditions);
    const x = this.any();
    return random.chance(0.8) ? builder.lt(x, this.any()) : builder.eq(x, this.any());
  }

  private addOp(): number {
    const { random, builder } = this;
    switch (random.int(0, 14)) {
      case 0:
        return builder.constant(random.exact(-300, 300), random.int(-6, 3));
      case 1:
        return builder.add(this.any(), this.any(), random.int(-5, 5));
      case 2:
        return builder.sub(this.any(), this.any(), random.int(-5, 5));
      case 3:
        return builder.mul(this.any(), this.any());
      case 4:
        return random.chance(0.3) ? builder.mul(this.any(), builder.constant(1, random.int(-3, 3))) : builder.shift(this.any(), random.int(-5, 5));
      case 5:
        return builder.lt(this.any(), this.any());
      case 6:
        return builder.eq(this.any(), this.any());
      case 7:
        return builder.mux(this.condition(), this.any(), this.any());
      case 8:
        return this.relu();
      case 9:
        return this.addLookup();
      case 10:
      case 11:
        return this.addBitwise();
      default:
        return this.addCast();
    }
  }

  private relu(): number {
    const { builder } = this;
    const x = this.any();
    const zero = builder.constant(0);
    return this.random.chance(0.5) ? builder.mux(builder.lt(x, zero), zero, x) : builder.mux(builder.lt(zero, x), x, zero);
  }

  private addLookup(): number {
    const { random, builder } = this;
    const bits = random.int(1, 5);
    const indexExp = random.int(-3, 2);
    const signed = random.chance(0.4);
    const index = builder.cast(this.any(), fixedType(signed, bits, bits + indexExp, random.pick(ROUNDINGS), random.pick(OVERFLOWS)));
    const margin = random.int(0, 2);
    const base = (signed ? -(2 ** (bits - 1)) : 0) - margin;
    const wide = random.chance(0.1);
    const values = Array.from({ length: 2 ** bits + 2 * margin }, () => (wide ? random.exact(-(2n ** 70n), 2n ** 70n) : random.exact(-99, 99)));
    const table: Table = { exp: random.int(-6, 2), indexExp, base, values };
    return builder.lookup(index, table);
  }

  private addBitwise(): number {
    const { random, builder } = this;
    const kind = random.pick([Op.and, Op.or, Op.xor] as const);
    const right = random.chance(0.4) ? builder.constant(random.exact(-70, 70), random.int(-3, 3)) : this.any();
    return builder.bitwise(kind, this.any(), right);
  }

  private addCast(): number {
    const { random, builder } = this;
    const x = this.any();
    const { exp } = builder.intervalOf(x);
    if (random.chance(0.2)) {
      // One that changes nothing, or nearly so.
      const fits = typeOfInterval(builder.intervalOf(x));
      const grown = random.int(-1, 2);
      const width = Math.max(1, fits.width + grown);
      return builder.cast(x, fixedType(fits.signed || random.chance(0.3), width, width + exp, random.pick(ROUNDINGS), random.pick(OVERFLOWS)));
    }
    const type = randomType(random, Math.min(this.maxWidth, 40));
    const fraction = random.int(-3, 6) - exp - random.int(0, 6);
    return builder.cast(x, { ...type, integer: type.width - fraction });
  }

  private addOutput(p: number): void {
    const { random, builder } = this;
    const elements = random.int(1, 3);
    const ops = Array.from({ length: elements }, () => this.any());
    const port: Pick<OutputPort, 'name' | 'shape'> = { name: `out_${p}`, shape: [elements] };
    if (random.chance(0.5)) builder.addOutput(port.name, port.shape, ops);
    else builder.addOutput(port.name, port.shape, ops, ops.map((op) => typeOfInterval(builder.intervalOf(op))));
  }
}
