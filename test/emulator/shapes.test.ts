import { describe, expect, it } from 'vitest';
import { CircuitBuilder } from '../../src/circuit/builder.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import { CompileError } from '../../src/errors.js';
import { fixedType } from '../../src/fixed/fixedType.js';

const byte = fixedType(true, 8, 8);

describe('emulator shapes', () => {
  it.each([0, 1, 7, 8, 9, 200, 255, 256, 257, 1000])('%i events', (count) => {
    const builder = new CircuitBuilder('sum');
    const [x, y] = builder.addInput({ name: 'x', shape: [2], types: [byte] }) as unknown as [number, number];
    builder.addOutput('s', [3], [builder.add(x, y), x, builder.constant(5, -1)]);
    const data = Float64Array.from({ length: 2 * count }, (_, i) => ((i * 37) % 256) - 128);
    const [sums] = compileEmulator(builder.finish()).run([data], count) as [Float64Array];
    expect([...sums]).toEqual(Array.from({ length: count }, (_, i) => [(data[2 * i] as number) + (data[2 * i + 1] as number), data[2 * i], 2.5]).flat());
  });

  it('takes the slow way for the block alone that needs it', () => {
    const builder = new CircuitBuilder('far');
    const [x] = builder.addInput({ name: 'x', shape: [1], types: [byte] }) as unknown as [number];
    builder.addOutput('y', [1], [builder.add(x, x)]);
    const data = Float64Array.from({ length: 700 }, (_, i) => (i === 300 ? 2 ** 52 + 5 : (i % 256) - 128));
    const [twice] = compileEmulator(builder.finish()).run([data], 700) as [Float64Array];
    expect([...twice]).toEqual(Array.from(data, (value, i) => (i === 300 ? 10 : 2 * value)));
  });

  it('runs constant circuits, unused inputs and inputs that are outputs', () => {
    const builder = new CircuitBuilder('edges');
    const a = builder.addInput({ name: 'a', shape: [1], types: [byte] });
    const b = builder.addInput({ name: 'b', shape: [2, 1], types: [byte] });
    builder.addOutput('constant', [1], [builder.constant(-3)]);
    builder.addOutput('b', [2], [b[1] as number, b[1] as number]);
    const emulator = compileEmulator(builder.finish());
    expect(emulator.run([Float64Array.of(1), Float64Array.of(2, 3)], 1).map((array) => [...array])).toEqual([[-3], [3, 3]]);
    expect(emulator.runRaw([[1], [2, 3]])).toEqual([[-3], [3, 3]]);
    expect(emulator.runRawBatch([])).toEqual([]);
    expect(a.length).toBe(1);
  });

  it('does not pad a group with values outside the inputs\' intervals', () => {
    const builder = new CircuitBuilder('narrow');
    const [x] = builder.addInput({ name: 'x', shape: [1], types: [fixedType(true, 40, 40)] }, [{ lo: 2 ** 30, hi: 2 ** 30 + 3, exp: 0 }]) as unknown as [number];
    builder.addOutput('y', [1], [builder.lookup(x, { exp: 0, indexExp: 0, base: 2 ** 30, values: [5, 6, 7, 8] })]);
    expect([...(compileEmulator(builder.finish()).run([Float64Array.of(2 ** 30 + 2)], 1)[0] as Float64Array)]).toEqual([7]);
  });

  it('holds a chain and a fan of a hundred thousand ops', () => {
    const builder = new CircuitBuilder('large', { share: false });
    const x = builder.addInput({ name: 'x', shape: [1], types: [byte] })[0] as number;
    let chain = x;
    for (let i = 0; i < 100000; i++) chain = builder.cast(i % 2 === 0 ? builder.add(chain, x) : builder.sub(chain, x), fixedType(true, 40, 40));
    builder.addOutput('y', [1], [chain]);
    const emulator = compileEmulator(builder.finish());
    expect(emulator.engine).toMatchObject({ kind: 'wasm' });
    expect([...(emulator.run([Float64Array.of(-128, 127, 1)], 3)[0] as Float64Array)]).toEqual([-128, 127, 1]);
  });

  it('says what an input array lacks', () => {
    const builder = new CircuitBuilder('short');
    builder.addOutput('y', [2], builder.addInput({ name: 'x', shape: [2], types: [byte] }));
    const emulator = compileEmulator(builder.finish());
    expect(() => emulator.run([new Float64Array(3)], 2)).toThrow('x: 3 values for 2 events of 2 elements; 4 are needed.');
    expect(() => emulator.run([], 1)).toThrow(CompileError);
  });
});
