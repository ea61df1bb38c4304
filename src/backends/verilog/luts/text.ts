import type { Chain } from './carry.js';
import { CELL_MODELS } from './cells.js';
import type { Site } from './lut.js';
import { extended } from './lut.js';
import type { NetNames } from './names.js';
import type { Net } from './nets.js';
import type { StagePlan } from './plan.js';

/** Writes what stages are made of. */
export interface StageText {
  readonly lines: readonly string[];
  /** Bits that no one reads. */
  readonly unused: readonly string[];
  readonly stage: (plan: StagePlan, stage: number) => void;
  /** Modules that the lines stand on, for the end of the file. */
  readonly modules: () => readonly string[];
}

/** Verilog of vendor cells. */
export class PrimitiveText implements StageText {
  readonly lines: string[] = [];
  /** Bits that no one reads. */
  readonly unused: string[] = [];

  constructor(private readonly names: NetNames) {}

  stage(plan: StagePlan, stage: number): void {
    this.names.startStage();
    for (const { output, value } of plan.aliases) this.lines.push(`  assign ${this.name(output, stage)} = ${this.name(value, stage)};`);
    for (const site of plan.sites) this.site(site, stage);
    for (const { kind, output, whenZero, whenOne, select } of plan.muxes) {
      this.lines.push(`  ${kind} ${this.instance('m')} (.I0(${this.name(whenZero, stage)}), .I1(${this.name(whenOne, stage)}), .S(${this.name(select, stage)}), .O(${this.name(output, stage)}));`);
    }
    for (const chain of plan.chains) this.chain(chain, stage);
  }

  modules(): readonly string[] {
    return CELL_MODELS;
  }

  private name(net: Net, stage: number): string {
    return this.names.of(net, stage);
  }

  private instance(prefix: string): string {
    return this.names.instance(prefix);
  }

  private site({ first, second, places }: Site, stage: number): void {
    const pins = Array.from({ length: 6 }, (_, i) => {
      const net = places[i];
      // With two functions the sixth input, held at 1, gives each its own half of the table.
      return net === undefined ? `1'd${second !== undefined && i === 5 ? 1 : 0}` : this.name(net, stage);
    });
    const list = pins.map((pin, i) => `.I${i}(${pin})`).join(', ');
    if (second === undefined) {
      this.lines.push(`  LUT6 #(.INIT(${hex(extended(first, places, 6))})) ${this.instance('l')} (${list}, .O(${this.name(first.output, stage)}));`);
      return;
    }
    const init = extended(second, places, 5) | (extended(first, places, 5) << 32n);
    this.lines.push(`  LUT6_2 #(.INIT(${hex(init)})) ${this.instance('l')} (${list}, .O5(${this.name(second.output, stage)}), .O6(${this.name(first.output, stage)}));`);
  }

  private chain({ carryIn, select, data, sums, carries }: Chain, stage: number): void {
    let carry = `1'd${carryIn}`;
    for (let from = 0; from < select.length; from += 4) {
      const own = this.instance('c');
      const pick = (nets: readonly Net[]): string => [3, 2, 1, 0].map((i) => this.name(nets[from + i] ?? { kind: 'constant', value: 0, key: '0' }, stage)).join(', ');
      const first = from === 0;
      this.lines.push(
        `  wire [3:0] ${own}_o;`,
        `  wire [3:0] ${own}_co;`,
        `  CARRY4 ${own} (.CI(${first ? "1'd0" : carry}), .CYINIT(${first ? carry : "1'd0"}), .DI({${pick(data)}}), .S({${pick(select)}}), .O(${own}_o), .CO(${own}_co));`,
      );
      for (let i = 0; i < 4; i++) {
        const [sum, out] = [sums[from + i], carries[from + i]];
        if (sum === undefined) this.unused.push(`${own}_o[${i}]`);
        else this.lines.push(`  assign ${this.name(sum, stage)} = ${own}_o[${i}];`);
        if (out !== undefined) this.lines.push(`  assign ${this.name(out, stage)} = ${own}_co[${i}];`);
        else if (i < 3 || from + 4 >= select.length) this.unused.push(`${own}_co[${i}]`);
      }
      carry = `${own}_co[3]`;
    }
  }
}

function hex(value: bigint): string {
  return `64'h${value.toString(16).padStart(16, '0')}`;
}
