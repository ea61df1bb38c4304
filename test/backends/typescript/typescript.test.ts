import { transformSync } from 'esbuild';
import { runInNewContext } from 'node:vm';
import { Project } from 'ts-morph';
import { describe, expect, it } from 'vitest';
import { typescript } from '../../../src/backends/typescript/typescript.js';
import { CircuitBuilder } from '../../../src/circuit/builder.js';
import type { Circuit } from '../../../src/circuit/circuit.js';
import { typeOfElement } from '../../../src/circuit/circuit.js';
import { evaluateCircuit } from '../../../src/circuit/evaluate.js';
import { compileEmulator } from '../../../src/emulator/emulator.js';
import { rawOfValue } from '../../../src/emulator/reference.js';
import { fixedType, OVERFLOWS, ROUNDINGS } from '../../../src/fixed/fixedType.js';
import type { Int } from '../../../src/fixed/integer.js';
import { fromBigInt } from '../../../src/fixed/integer.js';
import { typescriptRuntime } from '../../../src/verify/resources.js';
import { portNames } from '../../../src/backends/verilog/names.js';
import { adderGraph } from '../../bench/adderGraph.js';
import { Random } from '../../helpers/random.js';
import { randomCircuit, randomInputs } from '../../helpers/randomCircuit.js';
import { scheduled } from '../cpp/build.js';

function emitted(circuit: Circuit): string {
  return typescript(typescriptRuntime()).emit(scheduled(circuit), { top: 'model', modelName: 'a model', modelVersion: 3, hash: '0'.repeat(64) })[0]!.text;
}

interface Loaded {
  readonly model: { readonly version: number; readonly inputs: readonly { readonly property: string }[] };
  readonly predict: (input: object) => Record<string, Float64Array>;
  readonly predictBatch: (events: number, input: object) => Record<string, Float64Array>;
  readonly predictRawBatch: (events: number, input: object) => Record<string, readonly (number | bigint)[]>;
}

/** The emitted file in a world of its own: nothing but the language is there, as in any browser. */
function load(text: string): Loaded {
  const { code } = transformSync(text, { loader: 'ts', format: 'cjs' });
  const module = { exports: {} as Loaded };
  runInNewContext(code, { module, exports: module.exports });
  return module.exports;
}

describe('random circuits', () => {
  it.each([[14, 40], [30, 60], [62, 60], [100, 40], [200, 15]])('up to %i bits: every bit equals the reference evaluator', (maxWidth, circuits) => {
    for (let k = 0; k < circuits; k++) {
      const seed = 7000 * maxWidth + k;
      const circuit = randomCircuit(seed, { ops: k === 0 ? 900 : 50, maxWidth });
      const events = randomInputs(circuit, seed, 30);
      const names = portNames(circuit);
      const input = Object.fromEntries(names.inputs.map((name, p) => [name, events.flatMap((event) => event[p] as Int[])]));
      const result = load(emitted(circuit)).predictRawBatch(events.length, input);
      const expected = events.map((event) => evaluateCircuit(circuit, event));
      names.outputs.forEach((name, p) => {
        expect([...result[name]!].map((n) => fromBigInt(BigInt(n))), `seed ${seed}, ${name}`).toEqual(expected.flatMap((event) => event[p]));
      });
    }
  });
});

describe('values', () => {
  it('are rounded and overflowed by every mode, for every magnitude', () => {
    const builder = new CircuitBuilder('conversions');
    for (const [width, integer] of [[5, 3], [16, 18], [53, 30], [64, 60], [70, 40]] as const) {
      const types = OVERFLOWS.flatMap((overflow) => ROUNDINGS.flatMap((rounding) => [true, false].map((signed) => fixedType(signed, width, integer, rounding, overflow))));
      const ops = builder.addInput({ name: `x${width}`, shape: [types.length], types });
      builder.addOutput(`y${width}`, [types.length], ops, types);
    }
    const circuit = builder.finish();
    const random = new Random(3);
    const special = [0, -0, 0.5, -0.5, 1.5, -2.5, 1e-320, -1e-320, -1e-300, 2 ** 51, -(2 ** 51) - 0.5, 2 ** 63, -(2 ** 63), 2 ** 64, 1.7e308, -1.7e308, 0.1];
    const value = (): number => random.chance(0.2) ? random.pick(special) : (random.int(-(2 ** 20), 2 ** 20) / 2 ** random.int(0, 24)) * 2 ** random.int(0, random.chance(0.2) ? 60 : 8);
    const EVENTS = 60;
    const inputs = circuit.inputs.map((port) => Float64Array.from({ length: EVENTS * port.shape[0]! }, value));
    const result = load(emitted(circuit)).predictBatch(EVENTS, Object.fromEntries(circuit.inputs.map((port, p) => [port.name, inputs[p]])));
    circuit.outputs.forEach((port, p) => {
      const elements = port.shape[0]!;
      const expected = [...inputs[p]!].map((x, k) => {
        const type = typeOfElement(port, k % elements);
        return Number(rawOfValue(x, type, circuit.inputs[p]!, 0, 0)) * 2 ** (type.integer - type.width);
      });
      expect([...result[port.name]!]).toEqual(expected);
    });
  });

  it('equal the fast engine, one event and many', () => {
    const circuit = adderGraph(1500);
    const { predict, predictBatch, model } = load(emitted(circuit));
    const random = new Random(4);
    const elements = circuit.inputs[0]!.shape[0]!;
    const x = Float64Array.from({ length: 200 * elements }, () => random.int(-160, 160) / 16);
    const [expected] = compileEmulator(circuit).run([x], 200);
    expect([...predictBatch(200, { x })['y']!]).toEqual([...expected!]);
    expect([...predict({ x })['y']!]).toEqual([...expected!.slice(0, expected!.length / 200)]);
    expect(model.version).toBe(3);
    expect(() => predict({ x: x.map(() => NaN) })).toThrow('every value must be finite');
    expect(() => predict({ x: x.slice(1, elements) })).toThrow(`x: ${elements - 1} values for 1 events of ${elements} elements`);
  });
});

describe('the file', () => {
  it('is strictly typed, depends on nothing and is the same every time', { timeout: 60_000 }, () => {
    const circuit = randomCircuit(30, { ops: 80, maxWidth: 100 });
    const text = emitted(circuit);
    expect(emitted(circuit)).toBe(text);
    expect(text).not.toMatch(/\b(import|require|process|Buffer)\b/);
    const project = new Project({ useInMemoryFileSystem: true, compilerOptions: { strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, target: 9, lib: ['lib.es2022.d.ts'] } });
    const file = project.createSourceFile('model.ts', text);
    expect(file.getPreEmitDiagnostics().map((d) => d.getMessageText())).toEqual([]);
  });

  it('is small and readable', () => {
    const builder = new CircuitBuilder('small');
    const [a, b, c] = builder.addInput({ name: 'x', shape: [3], types: [fixedType(true, 4, 4)] });
    const sum = builder.add(builder.sub(a!, b!, 1), c!, 2);
    const zero = builder.constant(0);
    const out = builder.cast(builder.mux(builder.lt(sum, zero), zero, sum), fixedType(false, 3, 5, 'RND_CONV', 'SAT'));
    builder.addOutput('y', [1], [out], [fixedType(false, 3, 5)]);
    const text = emitted(builder.finish());
    expect(text.slice(0, text.indexOf('type Rounding'))).toMatchSnapshot();
  });
});
