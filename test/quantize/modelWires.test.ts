import { describe, expect, it } from 'vitest';
import { castFloat, formatFixedType, fractionBits, typeOfInterval } from '../../src/fixed/fixedType.js';
import { toNumber } from '../../src/fixed/integer.js';
import type { FixedQuantParams } from '../../src/layers/fixedQuant.js';
import { lowerGraph } from '../../src/layers/lower.js';
import { catalogue } from '../../src/layers/registry.js';
import type { GraphInput } from '../../src/model/graph.js';
import { graphFromJson, graphToJson } from '../../src/model/json.js';
import { tensor } from '../../src/model/tensor.js';
import { applyInputTypes } from '../../src/quantize/inputTypes.js';
import { growTypes } from '../../src/quantize/grow.js';
import { wireOfModel } from '../../src/quantize/modelWires.js';
import { Random } from '../helpers/random.js';
import { graphOf, type NodeText } from './graphs.js';

function fixedQuant(name: string, input: string, widths: readonly (readonly [number, number, number])[], rounding: FixedQuantParams['rounding'], overflow: FixedQuantParams['overflow'], shape: readonly number[] = [1, widths.length]): NodeText {
  const part = (n: 0 | 1 | 2) => tensor(shape, widths.map((w) => w[n]));
  return { name, kind: 'fixedQuant', params: { signed: part(0), integerBits: part(1), fractionBits: part(2), rounding, overflow }, inputs: [input] };
}

const add = (a: string, b: string): NodeText => ({ name: 'sum', kind: 'elementwise', params: { operation: 'add' }, inputs: [a, b] });

function wire(shape: readonly number[], nodes: readonly NodeText[]): string[] | undefined {
  const graph = graphOf({ x: shape }, nodes);
  const found = wireOfModel(graph, graph.inputs[0] as GraphInput, catalogue);
  return found && (found.elementTypes ?? [found.type]).map(formatFixedType);
}

describe('the wire of the model’s own quantisers', () => {
  it('has a type an element where they differ, through what moves elements', () => {
    const quantiser = (input: string, shape?: readonly number[]) => fixedQuant('q', input, [[1, 2, 1], [0, 1, 3], [0, -3, 2], [1, 2, 1]], 'RND', 'WRAP', shape);
    const types = ['ap_fixed<4,3,RND,WRAP>', 'ap_ufixed<4,1,RND,WRAP>', 'ap_ufixed<1,1>', 'ap_fixed<4,3,RND,WRAP>'];
    expect(wire([1, 4], [quantiser('x')])).toEqual(types);
    const flipped = { name: 't', kind: 'transpose', params: { perm: [0, 2, 1] }, inputs: ['x'] };
    expect(wire([1, 2, 2], [flipped, quantiser('t', [1, 2, 2])])).toEqual([types[0], types[2], types[1], types[3]]);
    const padded = { name: 'p', kind: 'pad', params: { pads: [0, 1, 0, 1], value: 0 }, inputs: ['x'] };
    expect(wire([1, 2], [padded, quantiser('p')])).toEqual([types[1], types[2]]);
    const cut = { name: 's', kind: 'slice', params: { axes: [1], starts: [1], ends: [5], steps: [1] }, inputs: ['x'] };
    expect(wire([1, 5], [cut, quantiser('s')])).toEqual([types[0], ...types]);
    expect(wire([1, 4], [fixedQuant('q', 'x', [[1, 2, 1]], 'TRN', 'SAT')])).toEqual(['ap_fixed<4,3,TRN,SAT>']);
  });

  it('changes nothing that any of several quantisers gives', () => {
    const random = new Random(0x317e);
    const wrong: string[] = [];
    let joined = 0;
    for (let trial = 0; trial < 120; trial++) {
      const widths = (): [number, number, number][] => [[random.int(0, 1), random.int(-1, 3), random.int(-1, 3)]];
      const overflow = random.chance(0.5) ? ['WRAP' as const] : ['SAT' as const, 'SAT_SYM' as const];
      const rounding = random.chance(0.7) ? (['TRN', 'RND'] as const) : (['RND_CONV', 'TRN_ZERO', 'RND'] as const);
      const own = [0, 1, 2].map((n) => fixedQuant(`q${n}`, 'x', widths(), random.pick(rounding), random.pick(overflow)));
      const graph = graphOf({ x: [1, 1] }, own, {}, own.map(({ name }) => name));
      const found = wireOfModel(graph, graph.inputs[0] as GraphInput, catalogue);
      if (found === undefined) continue;
      joined++;
      for (let n = -200; n <= 200; n++) {
        const x = n / 19;
        const held = toNumber(castFloat(x, found.type), -fractionBits(found.type));
        for (const node of own) {
          const [direct, behind] = [x, held].map((v) => catalogue.evaluate(node.kind, node.params, [tensor([1, 1], [v])]).data[0]);
          if (behind !== direct) wrong.push(`${x} through ${formatFixedType(found.type)}: ${behind}, not ${direct}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(joined).toBeGreaterThan(60);
  });

  it('is none where no cast serves all', () => {
    const one = (name: string, rounding: FixedQuantParams['rounding'], overflow: FixedQuantParams['overflow'], f: number) => fixedQuant(name, 'x', [[1, 2, f]], rounding, overflow);
    expect(wire([1, 1], [one('a', 'RND', 'WRAP', 1), one('b', 'RND', 'SAT', 1), add('a', 'b')])).toBeUndefined();
    expect(wire([1, 1], [one('a', 'RND_CONV', 'SAT', 1), one('b', 'RND_CONV', 'SAT', 2), add('a', 'b')])).toBeUndefined();
    expect(wire([1, 1], [one('a', 'RND_CONV', 'SAT', 1), add('a', 'x')])).toBeUndefined();
    expect(wire([1, 1], [{ ...one('a', 'RND', 'SAT', 1), params: { ...(one('a', 'RND', 'SAT', 1).params as object), divisor: 3 } }])).toBeUndefined();
  });

  it('becomes the port, survives model.json, and yields to --input-type', () => {
    const graph = graphOf({ x: [1, 2] }, [fixedQuant('q', 'x', [[1, 2, 1], [0, 1, 3]], 'RND', 'WRAP')]);
    const typed = growTypes(applyInputTypes(graph, {}, catalogue), {}, catalogue).graph;
    expect(lowerGraph(typed).inputs[0]?.types.map(formatFixedType)).toEqual(['ap_fixed<4,3,RND,WRAP>', 'ap_ufixed<4,1,RND,WRAP>']);
    expect(formatFixedType(typed.inputs[0]?.type ?? typeOfInterval({ lo: 0, hi: 1, exp: 0 }))).toBe('ap_fixed<6,3>');
    const reread = graphFromJson(JSON.parse(graphToJson(typed)), 'model.json');
    expect(reread).toEqual(typed);
    const wider = applyInputTypes(reread, { inputType: 'fixed<16,6>' }, catalogue);
    expect(wider.nodes).toHaveLength(1);
    expect(lowerGraph(wider).inputs[0]?.types.map(formatFixedType)).toEqual(['ap_fixed<16,6>']);
    const broken = JSON.parse(graphToJson(typed)) as { inputs: { elementTypes: string[] }[] };
    broken.inputs[0]?.elementTypes.pop();
    expect(() => graphFromJson(broken, 'model.json')).toThrow(/must have a type and one an element, 2; it has 1 of these/);
  });
});
