import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompileError } from '../../src/errors.js';
import { castIsIdentity, formatFixedType, parseFixedType } from '../../src/fixed/fixedType.js';
import type { FixedType } from '../../src/fixed/fixedType.js';
import { dyadicOf } from '../../src/fixed/integer.js';
import { catalogue } from '../../src/layers/registry.js';
import { quantise } from '../../src/layers/quant.js';
import type { QuantParams } from '../../src/layers/quant.js';
import type { ModelGraph } from '../../src/model/graph.js';
import { randomTensor, activation, dense, evaluateTyped, graphOf, quant } from './graphs.js';
import { applyInputTypes, gridOfData } from '../../src/quantize/inputTypes.js';

const two = graphOf({ a: [1, 4], b: [1, 4] }, [{ name: 'sum', kind: 'elementwise', params: { operation: 'add' }, inputs: ['a', 'b'] }]);

const typesOf = (graph: ModelGraph): string[] => graph.inputs.map(({ type }) => (type === undefined ? '-' : formatFixedType(type)));
const typed = (graph: ModelGraph, inputType?: string): string[] => typesOf(applyInputTypes(graph, inputType === undefined ? {} : { inputType }, catalogue));

function messageOf(graph: ModelGraph, inputType?: string): string {
  try {
    typed(graph, inputType);
  } catch (error) {
    expect(error).toBeInstanceOf(CompileError);
    expect((error as CompileError).kind).toBe('config');
    return (error as CompileError).message;
  }
  return 'no error';
}

describe('--input-type', () => {
  it('types all inputs, or each by name', () => {
    expect(typed(two, 'fixed<16,6>')).toEqual(['ap_fixed<16,6>', 'ap_fixed<16,6>']);
    expect(typed(two, 'b=ap_ufixed<4,4,RND,SAT>, a=int<3>')).toEqual(['ap_fixed<3,3>', 'ap_ufixed<4,4,RND,SAT>']);
    expect(typed(two, 'fixed<16,6>,b=int<3>')).toEqual(['ap_fixed<16,6>', 'ap_fixed<3,3>']);
    const odd = graphOf({ 'in=put:0': [1, 4] }, [activation('r', 'in=put:0', 'relu')]);
    expect(typed(odd, 'in=put:0=int<3>')).toEqual(['ap_fixed<3,3>']);
  });

  it('is refused with every reason', () => {
    expect([
      messageOf(two), messageOf(two, 'a=int<3>'), messageOf(two, 'a=int<3>,c=int<3>,b=fixed<4>,a=int<4>'), messageOf(two, 'int<3>,int<4>'), messageOf(two, ''), messageOf(two, 'float'),
    ]).toMatchInlineSnapshot(`
      [
        "test → a: nothing says which fixed-point type this input [4] has: the model has no quantiser on it. Pass --input-type 'a=ap_fixed<16,6>,…' with the type of your wires, or --precision FILE.
      test → b: nothing says which fixed-point type this input [4] has: the model has no quantiser on it. Pass --input-type 'b=ap_fixed<16,6>,…' with the type of your wires, or --precision FILE.",
        "test → b: nothing says which fixed-point type this input [4] has: the model has no quantiser on it. Pass --input-type 'b=ap_fixed<16,6>,…' with the type of your wires, or --precision FILE.",
        "--input-type: the model has no input 'c'. Did you mean 'a' or 'b'?
      --input-type: 'fixed<4>' has 1 fields; fixed takes two to five (width, integer bits, rounding, overflow, 0).
      --input-type: 'a' is typed twice.",
        "--input-type: int<3> and int<4> are both for all inputs. Write name=type,… for one type per input.",
        "--input-type: '' is no fixed-point type; write for example ap_fixed<16,6> or ap_ufixed<8,0,RND,SAT>.",
        "--input-type: 'float' is no fixed-point type; write for example ap_fixed<16,6> or ap_ufixed<8,0,RND,SAT>.",
      ]
    `);
    const lookup = graphOf({ i: [1, 3] }, [{ name: 'e', kind: 'embedding', params: { table: randomTensor([6, 2]) }, inputs: ['i'] }]);
    expect(messageOf(lookup)).toContain("--input-type 'ap_ufixed<3,3>'");
  });

  it('overrides the wire of a typed input; the old type follows as a cast', () => {
    const before = applyInputTypes(two, { inputType: 'fixed<8,4,RND,SAT>' }, catalogue);
    const after = applyInputTypes(before, { inputType: 'a=fixed<16,6>' }, catalogue);
    expect(typesOf(after)).toEqual(['ap_fixed<16,6>', 'ap_fixed<8,4,RND,SAT>']);
    expect(after.nodes.map(({ name, inputs }) => [name, ...inputs])).toEqual([['a_quantised', 'a'], ['sum', 'a_quantised', 'b']]);
  });
});

describe("the model's own quantiser", () => {
  const behind = (...readers: Parameters<typeof graphOf>[1]): string[] | string => {
    const graph = graphOf({ x: [1, 4] }, readers);
    const message = messageOf(graph);
    return message === 'no error' ? typed(graph)[0] as string : message.includes('nothing says') ? 'none' : message;
  };
  const flat = { name: 'flat', kind: 'reshape', params: { shape: [1, 2, 2] }, inputs: ['x'] };

  it('types the wire, behind movements too', () => {
    expect(behind(quant('q', 'x'))).toBe('ap_fixed<8,6,RND_CONV,SAT>');
    expect(behind(flat, quant('q', 'flat'), activation('r', 'q', 'relu'))).toBe('ap_fixed<8,6,RND_CONV,SAT>');
    expect(behind(quant('q', 'x'), quant('p', 'x'), { name: 's', kind: 'elementwise', params: { operation: 'add' }, inputs: ['q', 'p'] })).toBe('ap_fixed<8,6,RND_CONV,SAT>');
  });

  it('does not where readers differ or no cast equals it', () => {
    const add = { name: 's', kind: 'elementwise', params: { operation: 'add' }, inputs: ['q', 'p'] };
    expect(behind(quant('q', 'x'), quant('p', 'x', { scale: 0.5 }), add)).toBe('none');
    expect(behind(quant('p', 'x'), activation('q', 'x', 'relu'), add)).toBe('none');
    expect([{ scale: 0.3 }, { zeroPoint: 1 }, { rounding: 'CEIL' }, { rounding: 'UP' }, { bitWidth: 7.5 }, { bitWidth: 1 }, { signed: false, narrow: true }].map((more) => behind(quant('q', 'x', more)))).toEqual(Array(7).fill('none'));
  });

  it('is undone by nothing: the cast gives what the quantiser gives', () => {
    const modes = ['ROUND', 'FLOOR', 'DOWN', 'HALF_UP', 'HALF_DOWN'] as const;
    fc.assert(
      fc.property(fc.constantFrom(...modes), fc.boolean(), fc.boolean(), fc.integer({ min: 2, max: 6 }), fc.integer({ min: -3, max: 2 }), fc.array(fc.integer({ min: -2000, max: 2000 }), { minLength: 4, maxLength: 4 }), (rounding, signed, narrow, bitWidth, exp, raw) => {
        const params = { scale: 2 ** exp, rounding, signed, narrow: narrow && signed, bitWidth };
        const node = quant('q', 'x', params);
        const graph = applyInputTypes(graphOf({ x: [1, 4] }, [node]), {}, catalogue);
        const data = Float64Array.from(raw, (n) => n / 64);
        expect([...(evaluateTyped(graph, { x: data }).get('x') ?? [])]).toEqual(Array.from(data, (v) => quantise(node.params as QuantParams, params.scale, 0, v) + 0));
      }),
      { seed: 11, numRuns: 300 },
    );
  });
});

describe('the grid of data', () => {
  const gridText = (values: number[]): string | undefined => {
    const type = gridOfData(values);
    return type && formatFixedType(type);
  };

  it('is the smallest exact type of at most 16 bits', () => {
    expect([[1, 2, 255], [0, 0], [-0.5, 0.25], [-128, 127], [1024, 2048], [0.1], [1, NaN], [], [1, 2 ** -16], [65535], [65536, 1], [-32768, 32767]].map(gridText)).toEqual([
      'ap_ufixed<8,8,RND,SAT>', 'ap_ufixed<1,1,RND,SAT>', 'ap_fixed<2,0,RND,SAT>', 'ap_fixed<8,8,RND,SAT>', 'ap_ufixed<2,12,RND,SAT>',
      undefined, 'ap_ufixed<1,1,RND,SAT>', undefined, undefined, 'ap_ufixed<16,16,RND,SAT>', undefined, 'ap_fixed<16,16,RND,SAT>',
    ]);
  });

  it('leaves the value for missing ones free where it is to', () => {
    const text = (values: number[]): string => formatFixedType(gridOfData(values, true) as FixedType);
    expect([[1, 2, 255], [1, 2, 254], [-128, 127], [-127, 127]].map(text)).toEqual(['ap_ufixed<9,9,RND,SAT>', 'ap_ufixed<8,8,RND,SAT>', 'ap_fixed<9,9,RND,SAT>', 'ap_fixed<8,8,RND,SAT>']);
  });

  it('holds every value', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -20000, max: 20000 }), { minLength: 1 }), fc.integer({ min: -20, max: 20 }), (raw, exp) => {
        const type = gridOfData(raw.map((n) => n * 2 ** exp)) as FixedType;
        for (const n of raw) {
          const { n: lo, exp: own } = dyadicOf(n * 2 ** exp);
          expect(castIsIdentity({ lo, hi: lo, exp: own }, type)).toBe(true);
        }
      }),
      { seed: 12, numRuns: 200 },
    );
  });

  it('serves where neither option nor model says anything', () => {
    const graph = applyInputTypes(two, { inputType: 'a=int<3>', data: new Map([['b', [0, 0.5]]]) }, catalogue);
    expect(typesOf(graph)).toEqual(['ap_fixed<3,3>', 'ap_ufixed<1,0,RND,SAT>']);
    expect(parseFixedType('int<3>')).toEqual(graph.inputs[0]?.type);
    expect(() => applyInputTypes(graphOf({ x: [1, 4] }, [dense('d', 'x', 4, 2)]), { data: new Map([['x', [0.1]]]) }, catalogue)).toThrow('nothing says');
  });
});
