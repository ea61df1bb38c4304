import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { portNames, topName } from '../../../src/backends/verilog/names.js';
import { vhdl } from '../../../src/backends/vhdl/vhdl.js';
import { CircuitBuilder } from '../../../src/circuit/builder.js';
import type { Circuit } from '../../../src/circuit/circuit.js';
import { fixedType } from '../../../src/fixed/fixedType.js';
import { deviceOf } from '../../../src/timing/device.js';
import { pipelineCircuit } from '../../../src/timing/pipeline.js';
import { vhdlTexts } from '../../../src/verify/resources.js';
import { findTool } from '../../../src/verify/tools.js';
import { randomCircuit } from '../../helpers/randomCircuit.js';
import { mustRun } from '../cpp/build.js';

const root = mkdtempSync(join(tmpdir(), 'trigforge-vhdl-'));
afterAll(() => rmSync(root, { recursive: true }));
const ghdl = await findTool('ghdl');
if (ghdl === undefined) console.warn('GHDL is not there (make setup installs it where it may): VHDL is not checked.');

function emitted(circuit: Circuit, cycles: number, top = 'design') {
  const { schedule } = pipelineCircuit(circuit, deviceOf('xcvu13p'), 40, { mode: 'exactly', cycles });
  return vhdl(vhdlTexts()).emit(schedule, { top, modelName: 'a design', modelVersion: 7, hash: 'ab'.repeat(32) });
}

/** x of three signed elements and `signal`, a reserved word; y of two unsigned elements and z, of a type an element. */
function ports(): Circuit {
  const builder = new CircuitBuilder('ports');
  const x = builder.addInput({ name: 'x', shape: [3], types: [fixedType(true, 5, 3)] });
  const s = builder.addInput({ name: 'signal', shape: [1], types: [fixedType(false, 3, 3)] });
  builder.addOutput('y', [2], [s[0]!, s[0]!], [fixedType(false, 4, 4)]);
  builder.addOutput('z', [2], [x[0]!, x[1]!], [fixedType(true, 5, 3), fixedType(true, 6, 4)]);
  return builder.finish();
}

async function analyse(files: readonly string[]): Promise<void> {
  for (const file of files) await mustRun(ghdl!.command, ['-a', '--std=08', '--warn-error', file], root);
}

describe('VHDL-2008', () => {
  it('is small and readable, and the same every time', () => {
    const files = emitted(ports(), 2);
    expect(emitted(ports(), 2)).toEqual(files);
    expect(files.map((file) => file.path)).toEqual(['vhdl/design_pkg.vhd', 'vhdl/design_vhdl.vhd']);
    expect(files.map((file) => file.text).join('\n')).toMatchSnapshot();
  });

  it.runIf(ghdl !== undefined)('the entity carries arrays to and from the buses of the core, at its latency, in GHDL', { timeout: 60_000 }, async () => {
    for (const file of emitted(ports(), 2)) writeFileSync(join(root, file.path.slice(5)), file.text);
    // In place of the Verilog: two ranks, the outputs made of bits of the inputs in an order that shows any mix-up.
    writeFileSync(join(root, 'core.vhd'), `library ieee; use ieee.std_logic_1164.all;
entity design is port (clk, rst, valid_in : in std_logic; x : in std_logic_vector(14 downto 0); \\signal\\ : in std_logic_vector(2 downto 0);
  y : out std_logic_vector(7 downto 0); z : out std_logic_vector(10 downto 0); valid_out : out std_logic); end entity;
architecture stub of design is
  signal y1, y2 : std_logic_vector(7 downto 0); signal z1, z2 : std_logic_vector(10 downto 0); signal v1, v2 : std_logic := '0';
begin
  process (clk) begin if rising_edge(clk) then
    y1 <= x(14 downto 10) & \\signal\\; z1 <= x(10 downto 0); v1 <= valid_in and not rst; y2 <= y1; z2 <= z1; v2 <= v1 and not rst;
  end if; end process;
  y <= y2; z <= z2; valid_out <= v2;
end architecture;
`);
    writeFileSync(join(root, 'bench.vhd'), `library ieee; use ieee.std_logic_1164.all; use ieee.numeric_std.all; use work.design_pkg.all;
entity bench is end entity;
architecture test of bench is
  signal clk, rst, valid_in, valid_out : std_logic := '0'; signal x : x_t; signal s : signal_port_t; signal y : y_t; signal z : z_t;
begin
  dut : entity work.design_vhdl port map (clk => clk, rst => rst, valid_in => valid_in, x => x, signal_port => s, y => y, z => z, valid_out => valid_out);
  process
    procedure tick is begin wait for 5 ns; clk <= '1'; wait for 5 ns; clk <= '0'; wait for 0 ns; end procedure;
    variable waited : natural := 0;
  begin
    x <= (to_signed(-16, 5), to_signed(3, 5), to_signed(-11, 5)); s(0) <= to_unsigned(5, 3); valid_in <= '1';
    tick; waited := 1; valid_in <= '0';
    while valid_out /= '1' loop tick; waited := waited + 1; assert waited < 9 report "no valid_out" severity failure; end loop;
    assert waited = LATENCY_CYCLES report "latency" severity failure;
    -- x(2) = -11 = 10101; bus y = 10101 & 101: elements 1101 and 1010
    assert y(0) = "1101" and y(1) = "1010" report "y" severity failure;
    -- the lowest 11 bits of 10101 00011 10000
    assert z = "10001110000" report "z" severity failure;
    assert x_to_bus(x_from_bus("101010001110000")) = "101010001110000" report "round trip" severity failure;
    assert INITIATION_INTERVAL = 1 and MODEL_VERSION = 7 and CLOCK_PERIOD_PS = 25000 and x_INTEGER = 3 report "constants" severity failure;
    report "all right";
    wait;
  end process;
end architecture;
`);
    await analyse(['design_pkg.vhd', 'core.vhd', 'design_vhdl.vhd', 'bench.vhd']);
    await mustRun(ghdl!.command, ['-e', '--std=08', 'bench'], root);
    expect(await mustRun(ghdl!.command, ['-r', '--std=08', 'bench', '--assert-level=error'], root)).toContain('all right');
  });

  it.runIf(ghdl !== undefined)('names that VHDL has already, or that differ from others by case alone, are made its own', { timeout: 60_000 }, async () => {
    const inputs = ['x', 'x_t', 'X_bus', 'std_logic', 'core', 'LATENCY_CYCLES', 'signal', 'Signal', 'numeric', 'Wrapper', 'x_to_bus', 'model_hash', 'Label', 'label_port'];
    const outputs = ['X', 'numeric_element', 'ieee', 'numeric_pkg', 'numeric_vhdl', 'process', 'std_logic_vector', 'x_port', 'unsigned'];
    const builder = new CircuitBuilder('names');
    const ops = inputs.map((name) => builder.addInput({ name, shape: [2], types: [fixedType(true, 4, 4)] }));
    outputs.forEach((name, i) => builder.addOutput(name, [2], [ops[i]![0]!, ops[i + 1]![1]!], [fixedType(true, 4, 4)]));
    const circuit = builder.finish();
    for (const cycles of [1, 0]) {
      for (const file of emitted(circuit, cycles, 'numeric')) writeFileSync(join(root, file.path.slice(5)), file.text);
      await analyse(['numeric_pkg.vhd', 'numeric_vhdl.vhd']);
    }
    expect(['signal', 'Process', 'core', 'work', 'tagger', 'entity'].map(topName)).toEqual(['signal_model', 'Process_model', 'core_model', 'work_model', 'tagger', 'entity_model']);
  });

  it.runIf(ghdl !== undefined)('any ports are legal VHDL, with and without a clock', { timeout: 60_000 }, async () => {
    for (const [seed, cycles] of [[21, 3], [22, 0], [23, 1]] as const) {
      const circuit = randomCircuit(seed, { ops: 20 });
      expect(portNames(circuit).inputs.length).toBeGreaterThan(0);
      for (const file of emitted(circuit, cycles)) writeFileSync(join(root, file.path.slice(5)), file.text);
      await analyse(['design_pkg.vhd', 'design_vhdl.vhd']);
    }
  });
});
