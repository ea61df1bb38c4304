import { describe, expect, it } from 'vitest';
import { CircuitBuilder } from '../../src/circuit/builder.js';
import type { Circuit } from '../../src/circuit/circuit.js';
import { Op } from '../../src/circuit/circuit.js';
import { circuitFromText, circuitToText } from '../../src/circuit/text.js';
import { CompileError } from '../../src/errors.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import { Random } from '../helpers/random.js';
import { randomCircuit } from '../helpers/randomCircuit.js';

function small(): Circuit {
  const b = new CircuitBuilder('small "one"');
  b.setOrigin({ layer: 'dense_1', kind: 'dense' });
  const [x, y] = b.addInput({ name: 'x', shape: [2], types: [fixedType(true, 8, 5)] }, [undefined, { lo: 0, hi: 7, exp: -3 }]) as unknown as [number, number];
  b.setElement(3);
  const sum = b.add(x, y, -2);
  const product = b.mul(sum, b.constant(-5, -3));
  b.setOrigin({ layer: 'act', kind: 'table' });
  const index = b.cast(product, fixedType(false, 2, 2, 'RND_CONV', 'SAT'));
  const read = b.lookup(index, { exp: -1, indexExp: 0, base: -1, values: [9, 2n ** 60n, -3, 4, 5] });
  b.setOrigin(undefined);
  b.addOutput('y', [2], [b.mux(b.lt(x, y), b.shift(read, 2), b.bitwise(Op.xor, x, y)), product]);
  return b.finish();
}

const SMALL = `trigforge-circuit 1
name "small \\"one\\""
origin "dense_1" "dense"
origin "act" "table"
type ap_ufixed<2,2,RND_CONV,SAT>
table exp -1 index-exp 0 base -1 : 9 1152921504606846976 -3 4 5
input "x" [2] ap_fixed<8,5>
ops 11
%0 = input 0 0 @0
%1 = input 0 1 in 0 7 -3 @0
%2 = add %0 %1 << -2 @0:3
%3 = const -5 -3 @0:3
%4 = mul %3 %2 @0:3
%5 = cast %4 t0 @1
%6 = lookup %5 table0 @1
%7 = lt %0 %1
%8 = shift %6 << 2
%9 = xor %1 %0
%10 = mux %7 %8 %9
output "y" [2] ap_fixed<71,63> : %10 %4
end
`;

describe('circuit text', () => {
  it('is readable', () => {
    expect(circuitToText(small())).toBe(SMALL);
  });

  it('reads back to the same arrays, for random circuits of every kind of op', () => {
    for (let seed = 1; seed <= 150; seed++) {
      const circuit = randomCircuit(seed);
      expect(circuitFromText(circuitToText(circuit)), `seed ${seed}`).toEqual(circuit);
    }
  });

  it('keeps a range that is narrower than the operands give', () => {
    const text = SMALL.replace('%2 = add %0 %1 << -2 @', '%2 = add %0 %1 << -2 in -3 5 -4 @');
    const circuit = circuitFromText(text);
    expect([circuit.lo[2], circuit.hi[2], circuit.exp[2]]).toEqual([-3, 5, -4]);
    expect(circuitToText(circuit)).toBe(text);
  });

  it.each([
    ['another version', 'circuit 1', 'circuit 2', "circuit text, line 1: version '2', this program reads 1"],
    ['an operand that is not earlier', 'add %0 %1', 'add %0 %2', 'line 11: operand 1 is op 2, which is not an earlier one'],
    ['an unknown op', 'lt %0', 'less %0', "line 16: expected '%7 = kind …', found '%7 = less %0 %1'"],
    ['a missing op', '%9 = xor %1 %0\n', '', "line 18: expected '%9 = kind …', found '%10 = mux %7 %8 %9'"],
    ['an unknown type', 't0 @1', 't7 @1', 'type 7 of 1'],
    ['an unknown table', 'table0 @1', 'table1 @1', 'table 1 of 1'],
    ['an unknown origin', '@1\n%6', '@9\n%6', 'origin 9 of 2'],
    ['an index outside its table', 'base -1 : 9', 'base 1 : 9', "outside the table's 5 entries from 1"],
    ['a condition that is no bit', 'mux %7 %8', 'mux %9 %8', 'its condition, op 9, is [-128, 127]·2^-3, not 0 or 1'],
    ['a claim wider than the operands give', '<< 2\n', '<< 2 in -6 2000000000000000000 1\n', 'is not within'],
    ['an empty claim', '<< 2\n', '<< 2 in 6 2 1\n', 'is empty'],
    ['an input beyond its port', 'input 0 1', 'input 0 2', 'element 2 of 2 of x'],
    ['an output too narrow', 'ap_fixed<71,63>', 'ap_fixed<20,12>', 'is not representable in ap_fixed<20,12>'],
    ['a shape that does not fit', '"y" [2]', '"y" [3]', 'has 2 ops for 3 elements'],
    ['an enormous shape', '"x" [2]', '"x" [99999999,99999999]', 'shape [99999999, 99999999]'],
    ['a count that is too large', 'ops 11', 'ops 2000000000', '2000000000 ops, but'],
    ['a count that is too small', 'ops 11', 'ops 10', "expected 'end', found '%10 = mux"],
    ['a cut file', 'output "y"', 'outp', "expected 'end', found 'outp"],
    ['a float', '-5 -3', '-5.5 -3', "'-5.5' is no integer"],
    ['an exponent out of range', 'const -5 -3', 'const -5 -99999', 'at most 16384 bits and 2^±65536'],
    ['a shift out of range', '<< 2\n', '<< 999999\n', 'shift by 999999, more than 65536'],
    ['rubbish after an op', 'lt %0 %1', 'lt %0 %1 %2', "'%2' is too much"],
    ['a type too wide', 'ap_fixed<8,5>', 'ap_fixed<99999,5>', 'the width must be a whole number'],
  ])('refuses %s', (_, from, to, message) => {
    expect(SMALL).toContain(from);
    const read = (): Circuit => circuitFromText(SMALL.replace(from, to));
    expect(read).toThrow(CompileError);
    expect(read).toThrow(message);
  });

  it('refuses a tower of squares before it fills the memory', () => {
    const squares = Array.from({ length: 60 }, (_, i) => `%${i + 1} = mul %${i} %${i}`);
    const text = ['trigforge-circuit 1', 'name "tower"', 'input "x" [1] ap_fixed<64,64>', 'ops 61', '%0 = input 0 0', ...squares, 'end', ''].join('\n');
    expect(() => circuitFromText(text)).toThrow('at most 16384 bits');
  });

  it('answers any damage with a CompileError or a circuit', () => {
    const random = new Random(7);
    for (let i = 0; i < 1500; i++) {
      const at = random.int(0, SMALL.length - 1);
      const cut = random.int(0, 6);
      const junk = random.pick(['', '9', '-', ' ', '%', '\n', '"', ':', 'x', '99999999999999999999', '\u0000']);
      try {
        circuitFromText(SMALL.slice(0, at) + junk + SMALL.slice(at + cut));
      } catch (error) {
        expect(error).toBeInstanceOf(CompileError);
        expect((error as CompileError).kind).toBe('input');
      }
    }
  });
});
