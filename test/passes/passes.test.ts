import { describe, expect, it } from 'vitest';
import { CircuitBuilder } from '../../src/circuit/builder.js';
import type { Circuit } from '../../src/circuit/circuit.js';
import { Op } from '../../src/circuit/circuit.js';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { circuitToText } from '../../src/circuit/text.js';
import { verifyCircuit } from '../../src/circuit/verify.js';
import type { FixedType } from '../../src/fixed/fixedType.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import { algebraicIdentities } from '../../src/passes/algebraicIdentities.js';
import { commonSubexpressions } from '../../src/passes/commonSubexpressions.js';
import { constantFolding } from '../../src/passes/constantFolding.js';
import { deadCode } from '../../src/passes/deadCode.js';
import { decidedValues } from '../../src/passes/decidedValues.js';
import { narrowCasts } from '../../src/passes/narrowCasts.js';
import type { Pass } from '../../src/passes/pass.js';
import { runPasses } from '../../src/passes/pass.js';
import { defaultPasses } from '../../src/passes/pipeline.js';
import { redundantCasts } from '../../src/passes/redundantCasts.js';
import { tableTrimming } from '../../src/passes/tableTrimming.js';
import { randomCircuit, randomInputs } from '../helpers/randomCircuit.js';

const s8 = fixedType(true, 8, 8);
const f8 = fixedType(true, 8, 4);

/** A circuit of two inputs x, y and the outputs that `grow` returns. */
function circuitOf(grow: (b: CircuitBuilder, x: number, y: number) => readonly number[], types: readonly FixedType[] = [s8]): Circuit {
  const b = new CircuitBuilder('golden', { share: false });
  const [x, y] = b.addInput({ name: 'x', shape: [2], types });
  const ops = grow(b, x as number, y as number);
  b.addOutput('y', [ops.length], ops);
  return b.finish();
}

/** The ops after a pass (and dead code, so that only what is read shows), inputs left out, types spelt out. */
function after(pass: Pass, circuit: Circuit): string[] {
  const result = runPasses(circuit, [pass, deadCode], { check: true }).circuit;
  return circuitToText(result)
    .split('\n')
    .filter((line) => line.startsWith('%') || line.startsWith('output'))
    .filter((line) => !line.includes('= input'))
    .map((line) => line.replace(/ t(\d+)/, (_, id: string) => ` ${circuitToText(result).split('\n').filter((l) => l.startsWith('type '))[Number(id)]?.slice(5)}`))
    .map((line) => line.replace(/^output "y" \S+ \S+ : /, 'out '));
}

describe('each pass', () => {
  it('constant folding', () => {
    const circuit = circuitOf((b, x) => [b.add(x, b.mul(b.add(b.constant(3), b.constant(5, -1)), b.constant(3)))]);
    expect(after(constantFolding, circuit)).toEqual(['%2 = const 33 -1', '%3 = add %0 %2', 'out %3']);
  });

  it('constant folding of every kind of op', () => {
    const circuit = circuitOf((b) => {
      const [three, half] = [b.constant(3), b.constant(1, -1)];
      const less = b.lt(half, three);
      const read = b.lookup(three, { exp: 1, indexExp: 0, base: 2, values: [1, 7] });
      return [b.cast(half, fixedType(true, 4, 4, 'RND')), b.mux(less, three, half), read, b.bitwise(Op.xor, three, half), b.sub(half, three), b.shift(b.eq(three, three), 4)];
    });
    expect(after(constantFolding, circuit)).toEqual([
      '%2 = const 3 0', '%3 = const 1 0', '%4 = const 7 1', '%5 = const 7 -1', '%6 = const -5 -1', '%7 = const 1 4', 'out %3 %2 %4 %5 %6 %7',
    ]);
  });

  it('common subexpressions, whatever the order of operands', () => {
    const circuit = circuitOf((b, x, y) => [b.sub(b.add(x, y), b.shift(b.add(y, x), 1)), b.sub(x, y), b.sub(y, x), b.add(x, y, 1), b.add(y, x, 1)]);
    expect(after(commonSubexpressions, circuit)).toEqual([
      '%2 = add %1 %0', '%3 = shift %2 << 1', '%4 = sub %2 %3', '%5 = sub %0 %1', '%6 = sub %1 %0', '%7 = add %0 %1 << 1', '%8 = add %1 %0 << 1', 'out %4 %5 %6 %7 %8',
    ]);
  });

  it('dead code', () => {
    const circuit = circuitOf((b, x, y) => {
      b.cast(b.mul(x, y), f8);
      return [b.add(x, x)];
    });
    const result = deadCode.run(circuit);
    expect(result.size).toBe(3);
    expect(result.types).toEqual([]);
  });

  it('decided values', () => {
    const circuit = circuitOf((b, x, y) => {
      const low = b.cast(x, fixedType(false, 3, 3));
      const never = b.lt(b.constant(9), low);
      return [b.mux(never, y, low), b.mux(b.eq(low, b.constant(-1)), x, b.add(x, y)), b.lt(low, b.constant(9))];
    });
    expect(after(decidedValues, circuit)).toEqual(['%2 = cast %0 ap_ufixed<3,3>', '%3 = add %0 %1', '%4 = const 1 0', 'out %2 %3 %4']);
  });

  it('algebraic identities', () => {
    const circuit = circuitOf((b, x, y) => {
      const zero = b.constant(0);
      const less = b.lt(x, y);
      return [
        b.add(x, zero, 3), b.add(zero, x, 3), b.sub(x, zero), b.sub(x, x), b.mul(x, b.constant(1, 5)), b.mul(b.constant(-1, -2), x), b.add(y, y),
        b.mux(less, b.constant(1), zero), b.bitwise(Op.and, x, b.constant(-1)), b.bitwise(Op.or, x, x), b.bitwise(Op.xor, x, x), b.bitwise(Op.xor, zero, y),
      ];
    });
    expect(after(algebraicIdentities, circuit)).toEqual([
      '%2 = const 0 0', '%3 = lt %0 %1', '%4 = shift %0 << 3', '%5 = shift %0 << 5', '%6 = sub %2 %0 << -2', '%7 = shift %1 << 1',
      'out %0 %4 %0 %2 %5 %6 %7 %3 %0 %0 %2 %1',
    ]);
  });

  it('keeps a mask that clears bits below its own grid', () => {
    const circuit = circuitOf((b, x) => [b.bitwise(Op.and, x, b.constant(-1, 2))]);
    expect(after(algebraicIdentities, circuit)).toEqual(['%2 = const -1 2', '%3 = and %2 %0', 'out %3']);
  });

  it('narrow casts', () => {
    const circuit = circuitOf((b, x, y) => [
      b.cast(x, fixedType(true, 20, 12, 'RND_CONV', 'SAT')),
      b.cast(b.cast(y, fixedType(false, 4, 4)), fixedType(true, 9, 8, 'TRN_ZERO', 'SAT_SYM')),
      b.cast(b.cast(y, fixedType(false, 4, 4)), fixedType(true, 2, 3, 'RND_INF', 'SAT')),
      b.cast(x, fixedType(true, 4, 6, 'RND_ZERO', 'SAT')),
    ]);
    expect(after(narrowCasts, circuit)).toEqual([
      '%2 = cast %0 ap_fixed<16,8>', '%3 = cast %1 ap_ufixed<4,4>', '%4 = cast %3 ap_ufixed<5,4>', '%5 = cast %1 ap_ufixed<4,4>',
      '%6 = cast %5 ap_fixed<2,3,RND,SAT>', '%7 = cast %0 ap_fixed<4,6,RND_ZERO,SAT>', 'out %2 %4 %6 %7',
    ]);
  });

  it('table trimming', () => {
    const circuit = circuitOf((b, x, y) => {
      const table = { exp: 0, indexExp: 0, base: -4, values: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] };
      return [b.lookup(b.cast(x, fixedType(false, 2, 2)), table), b.lookup(b.cast(y, fixedType(true, 2, 2)), table)];
    });
    const { tables } = tableTrimming.run(circuit);
    expect(tables).toEqual([{ exp: 0, indexExp: 0, base: -2, values: [2, 3, 4, 5, 6, 7] }]);
  });

  describe('redundant casts', () => {
    const cast = (types: readonly FixedType[]): string[] => after(redundantCasts, circuitOf((b, x) => [types.reduce((op, type) => b.cast(op, type), x)], [f8]));
    it.each([
      ['nothing to do', [fixedType(true, 12, 6, 'RND', 'SAT')], ['out %0']],
      ['floor of floor', [fixedType(true, 6, 4), fixedType(true, 3, 3)], ['%2 = cast %0 ap_fixed<3,3>', 'out %2']],
      ['nearest of floor', [fixedType(true, 6, 4), fixedType(true, 4, 4, 'RND', 'SAT')], ['%2 = cast %0 ap_fixed<4,4,RND,SAT>', 'out %2']],
      ['not floor of nearest', [fixedType(true, 7, 5, 'RND'), fixedType(true, 3, 3)], ['%2 = cast %0 ap_fixed<7,5,RND,WRAP>', '%3 = cast %2 ap_fixed<3,3>', 'out %3']],
      ['a narrower wrap after a wider', [fixedType(true, 7, 3), fixedType(false, 5, 2)], ['%2 = cast %0 ap_ufixed<5,2>', 'out %2']],
      ['not a wider after a narrower', [fixedType(true, 6, 2), fixedType(false, 7, 3)], ['%2 = cast %0 ap_fixed<6,2>', '%3 = cast %2 ap_ufixed<7,3>', 'out %3']],
      ['not through saturation', [fixedType(true, 7, 3, 'TRN', 'SAT'), fixedType(false, 6, 2)], ['%2 = cast %0 ap_fixed<7,3,TRN,SAT>', '%3 = cast %2 ap_ufixed<6,2>', 'out %3']],
      ['not where the sign of what wrapped decides', [fixedType(true, 7, 3), fixedType(true, 3, 3, 'TRN_ZERO')], ['%2 = cast %0 ap_fixed<7,3>', '%3 = cast %2 ap_fixed<3,3,TRN_ZERO,WRAP>', 'out %3']],
      ['the first rounding, the second range', [fixedType(true, 8, 6, 'RND_CONV'), fixedType(false, 4, 2, 'TRN', 'SAT')], ['%2 = cast %0 ap_ufixed<4,2,RND_CONV,SAT>', 'out %2']],
    ])('%s', (_, types, expected) => {
      expect(cast(types)).toEqual(expected);
    });

    it('a saturating unsigned cast does the relu itself, either way it is written', () => {
      const u3 = fixedType(false, 3, 1, 'RND_CONV', 'SAT');
      const circuit = circuitOf((b, x, y) => {
        const zero = b.constant(0);
        return [b.cast(b.mux(b.lt(x, zero), zero, x), u3), b.cast(b.mux(b.lt(zero, y), y, zero), u3), b.cast(b.mux(b.lt(x, zero), zero, x), fixedType(false, 2, 1))];
      }, [f8]);
      expect(after(redundantCasts, circuit)).toEqual([
        '%2 = const 0 0', '%3 = cast %0 ap_ufixed<3,1,RND_CONV,SAT>', '%4 = cast %1 ap_ufixed<3,1,RND_CONV,SAT>',
        '%5 = lt %0 %2', '%6 = mux %5 %2 %0', '%7 = cast %6 ap_ufixed<2,1>', 'out %3 %4 %7',
      ]);
    });
  });
});

describe('random circuits keep their outputs', () => {
  it.each(defaultPasses.map((pass) => [pass.name, pass] as const))('%s', (_, pass) => {
    for (let seed = 1; seed <= 120; seed++) expectSame(seed, randomCircuit(seed), pass.run(randomCircuit(seed)));
  });

  it('all passes, and once more', () => {
    let before = 0;
    let afterwards = 0;
    for (let seed = 1000; seed <= 1250; seed++) {
      const circuit = randomCircuit(seed);
      const once = runPasses(circuit, defaultPasses, { check: true }).circuit;
      const twice = runPasses(once, defaultPasses, { check: true }).circuit;
      expectSame(seed, circuit, twice);
      before += circuit.size;
      afterwards += once.size;
      expect(twice.size).toBeLessThanOrEqual(once.size);
    }
    expect(afterwards).toBeLessThan(before / 2);
  });

  function expectSame(seed: number, circuit: Circuit, result: Circuit): void {
    verifyCircuit(result);
    for (const inputs of randomInputs(circuit, seed, 10)) {
      expect(evaluateCircuit(result, inputs), `seed ${seed}`).toEqual(evaluateCircuit(circuit, inputs));
    }
  }
});

describe('runner', () => {
  const sum = circuitOf((b, x, y) => [b.add(x, y)]);
  const run = (circuit: Circuit): Circuit => circuit;

  it('times and counts each pass, and shows its result', () => {
    const seen: string[] = [];
    const { records } = runPasses(circuitOf((b, x, y) => (b.mul(x, y), [b.add(x, y)])), [deadCode, constantFolding], { check: false, onPass: (record, circuit) => seen.push(`${record.name} ${circuit.size}`) });
    expect(records.map(({ name, opsBefore, opsAfter }) => [name, opsBefore, opsAfter])).toEqual([['dead-code', 4, 3], ['constant-folding', 3, 3]]);
    expect(records.every(({ seconds }) => seconds >= 0)).toBe(true);
    expect(seen).toEqual(['dead-code 3', 'constant-folding 3']);
  });

  it('names the pass that breaks an invariant', () => {
    const broken: Pass = { name: 'broken', summary: 'reads itself', run: (circuit) => ({ ...circuit, a: circuit.a.map((a, op) => (op === 2 ? 2 : a)) }) };
    expect(() => runPasses(sum, [{ name: 'fine', summary: 'does nothing', run }, broken], { check: false })).toThrow('after pass broken → golden → op 2 (add): operand 0 is op 2');
  });

  it('names the pass that changes an output, when told to check', () => {
    const wrong: Pass = { name: 'wrong', summary: 'subtracts', run: (circuit) => ({ ...circuit, b: circuit.b.map((b, op) => (op === 2 ? 0 : b)) }) };
    expect(() => runPasses(sum, [wrong], { check: false })).not.toThrow();
    expect(() => runPasses(sum, [wrong], { check: true })).toThrow(/after pass wrong → golden → op 2 \(add\): y\[0\] was .* and is .* for the inputs/);
  });

  it('catches a range claimed too tight, when told to check', () => {
    const wrong: Pass = { name: 'wrong', summary: 'claims', run: (circuit) => ({ ...circuit, hi: circuit.hi.map((hi, op) => (op === 2 ? 5 : hi)) }) };
    expect(() => runPasses(sum, [wrong], { check: true })).toThrow('add gives 254, outside [-256, 5]·2^0');
  });

  it('has a name and a summary for every pass, names once', () => {
    const names = defaultPasses.map((pass) => pass.name);
    expect(new Set(names).size).toBe(names.length);
    for (const pass of defaultPasses) expect(pass.summary).toMatch(/^\S.{10,}/);
  });
});
