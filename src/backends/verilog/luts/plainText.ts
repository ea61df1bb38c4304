import type { Chain } from './carry.js';
import type { Lut } from './lut.js';
import { reduced } from './lut.js';
import type { NetNames } from './names.js';
import type { Net } from './nets.js';
import { ZERO } from './nets.js';
import type { StagePlan } from './plan.js';
import type { StageText } from './text.js';

/**
 * Verilog without vendor cells that keeps the same LUTs: what a LUT reads passes a module that synthesis does not look
 * through, so that nothing is left for it to restructure. A carry chain is a sum of its data and a table a position.
 */
export class PlainText implements StageText {
  readonly lines: string[] = [];
  readonly unused: string[] = [];
  private readonly widths = new Set<number>();

  constructor(
    private readonly names: NetNames,
    /** Name of the design, with which names of modules begin. */
    private readonly top: string,
  ) {}

  stage(plan: StagePlan, stage: number): void {
    this.names.startStage();
    const name = (net: Net): string => this.names.of(net, stage);
    for (const { output, value } of plan.aliases) this.lines.push(`  assign ${name(output)} = ${name(value)};`);
    const inChain = halfSums(plan);
    const chained = new Map<string, Lut>();
    for (const { first, second } of plan.sites) {
      for (const lut of second === undefined ? [first] : [first, second]) {
        if (lut.output.kind === 'helper' && inChain.has(lut.output.key)) chained.set(lut.output.key, lut);
        else this.lut(lut, name);
      }
    }
    for (const { output, whenZero, whenOne, select } of plan.muxes) this.lines.push(`  assign ${name(output)} = ${name(select)} ? ${name(whenOne)} : ${name(whenZero)};`);
    for (const chain of plan.chains) this.chain(chain, chained, name);
  }

  modules(): readonly string[] {
    if (this.widths.size === 0) return [];
    return [
      '// What a LUT reads: synthesis is asked not to look through.',
      '/* verilator lint_off DECLFILENAME */',
      ...[...this.widths].sort((a, b) => a - b).map((width) => `(* keep_hierarchy = "yes" *) module ${this.module(width)} (input wire ${bus(width)}i, output wire ${bus(width)}o); assign o = i; endmodule`),
      '/* verilator lint_on DECLFILENAME */',
      '',
    ];
  }

  private module(width: number): string {
    return `${this.top}_kept_${width}`;
  }

  private lut({ inputs, truth, output }: Lut, name: (net: Net) => string): void {
    this.lines.push(`  assign ${name(output)} = ${this.table(this.kept(inputs, name), inputs.length, truth)};`);
  }

  /** A vector of the nets, behind the module. */
  private kept(nets: readonly Net[], name: (net: Net) => string): string {
    if (nets.length === 0) return '';
    const own = this.names.instance('k');
    this.widths.add(nets.length);
    this.lines.push(`  wire ${bus(nets.length)}${own};`, `  ${this.module(nets.length)} ${own}_i (.i(${list(nets.map(name))}), .o(${own}));`);
    return own;
  }

  /** The entry of a truth table at an address. */
  private table(address: string, bits: number, truth: bigint): string {
    if (bits === 0) return `1'd${truth}`;
    if (bits === 1) return truth === 2n ? address : `~${address}`;
    const own = this.names.instance('t');
    const entries = 1 << bits;
    this.lines.push(`  wire [${entries - 1}:0] ${own} = ${entries}'h${truth.toString(16)};`);
    return `${own}[${address}]`;
  }

  /**
   * data + (select ^ data), which has `select` as its half sum and `data` as its carry. Yosys takes the narrower operand for the
   * carry, of equal ones that of fewer pieces: so the data are one vector, and what is added to nothing is on the other side.
   */
  private chain({ carryIn, select, data, sums, carries }: Chain, luts: ReadonlyMap<string, Lut>, name: (net: Net) => string): void {
    const isPlain = select.map((net, i) => net.key === data[i]?.key);
    const isKept = data.map((net, i) => net.kind !== 'constant' && isPlain[i] !== true);
    const vector = this.kept(data.filter((_, i) => isKept[i]), name);
    const length = isKept.filter(Boolean).length;
    let next = 0;
    const kept = data.map((net, i) => (isPlain[i] === true ? name(ZERO) : isKept[i] !== true ? name(net) : length === 1 ? vector : `${vector}[${next++}]`));
    const other = select.map((net, i) => (isPlain[i] === true ? name(net) : this.other(net, data[i] as Net, kept[i] as string, luts.get(net.key), name)));
    const last = carries.findLastIndex((net) => net !== undefined);
    const width = Math.max(select.length, last + 2);
    const total = width + carryIn;
    const operand = (values: readonly string[]): string => list([...(carryIn === 1 ? ["1'd1"] : []), ...values, ...Array.from({ length: width - values.length }, () => "1'd0")]);
    const own = this.names.instance('c');
    this.lines.push(`  wire ${bus(total)}${own} = ${operand(kept)} + ${operand(other)};`);
    const read = new Set<number>();
    const take = (net: Net | undefined, at: number): void => {
      if (net === undefined) return;
      read.add(at);
      this.lines.push(`  assign ${name(net)} = ${total === 1 ? own : `${own}[${at}]`};`);
    };
    sums.forEach((net, i) => take(net, i + carryIn));
    carries.forEach((net, i) => take(net, i + 1 + carryIn));
    for (let i = 0; i < total; i++) if (!read.has(i)) this.unused.push(total === 1 ? own : `${own}[${i}]`);
  }

  /** select ^ data of one position. */
  private other(select: Net, data: Net, kept: string, lut: Lut | undefined, name: (net: Net) => string): string {
    const at = lut?.inputs.findIndex((net) => net.key === data.key) ?? -1;
    if (lut === undefined || at < 0) {
      const own = lut === undefined ? name(select) : this.table(this.kept(lut.inputs, name), lut.inputs.length, lut.truth);
      return data.key === ZERO.key ? own : `${own} ^ ${kept}`;
    }
    let truth = 0n;
    for (let index = 0; index < 1 << lut.inputs.length; index++) {
      if (((lut.truth >> BigInt(index)) & 1n) !== BigInt((index >> at) & 1)) truth |= 1n << BigInt(index);
    }
    const rest = reduced({ ...lut, truth });
    return this.table(this.kept(rest.inputs, name), rest.inputs.length, rest.truth);
  }
}

/** Helpers that are the half sum of one position and nothing else. */
function halfSums({ sites, chains, aliases }: StagePlan): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { select } of chains) for (const net of select) if (net.kind === 'helper') found.add(net.key);
  for (const { data } of chains) for (const net of data) found.delete(net.key);
  for (const { first, second } of sites) for (const net of [...first.inputs, ...(second?.inputs ?? [])]) found.delete(net.key);
  for (const { value } of aliases) found.delete(value.key);
  return found;
}

function list(values: readonly string[]): string {
  return values.length === 1 ? (values[0] as string) : `{${[...values].reverse().join(', ')}}`;
}

function bus(width: number): string {
  return width === 1 ? '' : `[${width - 1}:0] `;
}
