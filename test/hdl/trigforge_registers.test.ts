import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runProcess, withTempFolder } from '../../src/verify/processes.js';
import { readResource } from '../../src/verify/resources.js';
import { buildProgram } from '../../src/verify/simulation.js';
import { simulationOptions } from '../../src/verify/verilator.js';
import { Random } from '../helpers/random.js';
import { lintFiles } from './lint.js';

const REGISTERS = readResource('hdl/trigforge_registers.v');
const HASH = '0123456789abcdeffedcba98765432100f1e2d3c4b5a69788796a5b4c3d2e1f0';

function bench(bits: number, reset: string): string {
  const ports = ['awaddr:8', 'awvalid:1', 'wdata:32', 'wstrb:4', 'wvalid:1', 'bready:1', 'araddr:8', 'arvalid:1', 'rready:1'].map((port) => ['input', ...port.split(':')] as const);
  const outs = ['threshold:64', 'awready:1', 'wready:1', 'bresp:2', 'bvalid:1', 'arready:1', 'rdata:32', 'rresp:2', 'rvalid:1'].map((port) => ['output', ...port.split(':')] as const);
  const all = [['input', 'clk', '1'], ['input', 'rst', '1'], ...ports, ...outs] as const;
  return [
    `module trigforge_bench(${all.map(([direction, name, width]) => `${direction} wire [${Number(width) - 1}:0] ${name}`).join(', ')});`,
    `  trigforge_registers #(.MODEL_VERSION(32'd7), .MODEL_HASH(256'h${HASH}), .LATENCY(32'd13), .THRESHOLD_BITS(32'd${bits}), .THRESHOLD_RESET(64'h${reset})) registers (${all.map(([, name]) => `.${String(name)}(${String(name)})`).join(', ')});`,
    'endmodule\n',
  ].join('\n');
}

/** What the register map in the module's header says, command by command. */
class Model {
  private now: bigint;
  private high: bigint;
  private readonly mask: bigint;
  constructor(private readonly bits: number, private readonly reset: bigint) {
    this.mask = (1n << BigInt(bits)) - 1n;
    this.now = reset & this.mask;
    this.high = this.now >> 32n;
  }

  run(command: string): string | undefined {
    const [kind, address = '', data = '', strobes = ''] = command.split(' ');
    if (kind === 't') return `t ${this.now.toString(16).padStart(16, '0')}`;
    if (kind === 'x') {
      this.now = this.reset & this.mask;
      this.high = this.now >> 32n;
      return undefined;
    }
    const word = Number.parseInt(address, 16) >> 2;
    if (kind === 'r') {
      const known = [0x54524746n, 1n, 7n, 13n, BigInt(this.bits), this.now & 0xffff_ffffn, this.now >> 32n, undefined, ...Array.from({ length: 8 }, (_, k) => BigInt(`0x${HASH.slice(8 * k, 8 * k + 8)}`))][word];
      return `r ${address} ${(known ?? 0n).toString(16).padStart(8, '0')} ${known === undefined ? 2 : 0}`;
    }
    const lanes = [0, 1, 2, 3].reduce((own, lane) => ((Number.parseInt(strobes, 16) >> lane) & 1 ? own | (0xffn << BigInt(8 * lane)) : own), 0n);
    const merged = (old: bigint): bigint => (old & ~lanes) | (BigInt(`0x${data}`) & lanes);
    const low = word === 5 && this.bits > 0;
    const high = word === 6 && this.bits > 32;
    if (low) this.now = ((this.high << 32n) | merged(this.now & 0xffff_ffffn)) & this.mask;
    if (high) this.high = merged(this.high) & (this.mask >> 32n);
    return `w ${address} ${low || high ? 0 : 2}`;
  }
}

function commands(): string[] {
  const random = new Random(3);
  const hex = (n: number, digits: number): string => (n >>> 0).toString(16).padStart(digits, '0');
  const all = Array.from({ length: 64 }, (_, word) => `r ${hex(4 * word, 2)}`);
  for (let i = 0; i < 400; i++) {
    const address = hex(random.chance(0.7) ? random.pick([0x14, 0x18]) : random.int(0, 255), 2);
    all.push(random.chance(0.02) ? 'x' : random.chance(0.5) ? `w ${address} ${hex(random.bits(), 8)} ${hex(random.chance(0.7) ? 15 : random.int(0, 15), 1)}` : `r ${address}`, 't');
  }
  return all;
}

async function simulate(registers: string, bits: number, reset: string): Promise<readonly string[]> {
  const options = await simulationOptions({});
  return withTempFolder(async (folder) => {
    writeFileSync(join(folder, 'trigforge_registers.v'), registers);
    writeFileSync(join(folder, 'trigforge_bench.v'), bench(bits, reset));
    const main = join(folder, 'main.cc');
    writeFileSync(main, readFileSync(join(import.meta.dirname, 'registers.cpp')));
    const program = await buildProgram(['trigforge_bench.v', 'trigforge_registers.v'], main, '-O0', folder, options);
    writeFileSync(join(folder, 'commands.txt'), commands().join('\n'));
    const { stdout, exitCode } = await runProcess(program, [join(folder, 'commands.txt')], { cwd: folder, timeoutSeconds: 60 });
    expect(exitCode).toBe(0);
    return stdout.trim().split('\n');
  });
}

function expected(bits: number, reset: string): string[] {
  const model = new Model(bits, BigInt(`0x${reset}`));
  return commands().map((command) => model.run(command)).filter((line) => line !== undefined);
}

describe('trigforge_registers', () => {
  it.each([[13, '0fff'], [45, '1fffffffffff'], [0, '0'], [64, '8000000000000001']])('is the map that its header tells of, with a threshold of %i bits', async (bits, reset) => {
    expect(await simulate(REGISTERS, bits, reset)).toEqual(expected(bits, reset));
  });

  it.each([
    ['that forgets the strobes', '(write_data & lanes);', 'write_data;'],
    ['that takes the upper half at once', 'high_next <= ((high_next', 'threshold_now[63:32] <= ((high_next'],
    ['whose hash is the other way round', "{~hash_word, 5'd0}", "{hash_word, 5'd0}"],
    ['that answers before the address is there', 'have_address && have_data && !responding', 'have_data && !responding'],
  ])('a module %s is found', async (_, from, to) => {
    expect(REGISTERS).toContain(from);
    expect(await simulate(REGISTERS.replace(from, to), 45, '1fffffffffff')).not.toEqual(expected(45, '1fffffffffff'));
  });

  it.each([0, 1, 32, 33, 64])('is clean under lint with %i bits', async (bits) => {
    expect(await lintFiles({ 'trigforge_bench.v': bench(bits, '1'), 'trigforge_registers.v': REGISTERS }, 'trigforge_bench')).toEqual([]);
  });
});
