import { describe, expect, it } from 'vitest';
import { CompileError } from '../../src/errors.js';
import { formatFixedType } from '../../src/fixed/fixedType.js';
import { parsePrecisionConfig } from '../../src/quantize/precisionConfig.js';

function messageOf(text: string): string {
  try {
    parsePrecisionConfig(text, 'p.yml');
  } catch (error) {
    expect(error).toBeInstanceOf(CompileError);
    expect((error as CompileError).kind).toBe('config');
    return (error as CompileError).message;
  }
  return 'no error';
}

const shown = (types: ReadonlyMap<string, { readonly type: unknown; readonly line: number }> | undefined): string[] =>
  [...(types ?? [])].map(([name, { type, line }]) => `${name} ${typeof type === 'object' ? formatFixedType(type as Parameters<typeof formatFixedType>[0]) : String(type)} @${line}`);

describe('precision configs', () => {
  it('read every spelling and key', () => {
    const config = parsePrecisionConfig(
      `Model:
  Precision: {default: 'fixed<16,6>', maximum: 'ap_fixed<24,12>'}
  ReuseFactor: 4
  Strategy: Resource
LayerType:
  Dense: {Precision: 'ap_ufixed<8,0,AP_RND_CONV,AP_SAT>', Strategy: distributed_arithmetic}
LayerName:
  Fc1:
    Precision:
      weight: int<8>
      bias: uint<1>
      accum: auto
      result: FIXED<12,4,TRN,SAT_SYM>
      table_t: fixed<18,8>
    Trace: true
  sm:
    Precision: auto
    exp_table_t: fixed<18,8,RND,SAT>
    inv_table_t: auto
    inv_inp_t: fixed<20,9>
    TableSize: 2048
    TableRange: 4
    Implementation: Stable
  empty:
`,
      'p.yml',
    );
    const fc1 = config.layerNames.get('fc1');
    expect(fc1?.name).toBe('Fc1');
    expect(shown(fc1?.types)).toEqual(['weight ap_fixed<8,8> @10', 'bias ap_ufixed<1,1> @11', 'accum auto @12', 'result ap_fixed<12,4,TRN,SAT_SYM> @13', 'table ap_fixed<18,8> @14']);
    expect(shown(config.model.types)).toEqual(['default ap_fixed<16,6> @2']);
    expect(config.maximum && formatFixedType(config.maximum)).toBe('ap_fixed<24,12>');
    expect(config.model).toMatchObject({ reuseFactor: 4, strategy: 'resource' });
    expect(shown(config.layerTypes.get('dense')?.types)).toEqual(['default ap_ufixed<8,0,RND_CONV,SAT> @6']);
    expect(config.layerTypes.get('dense')?.strategy).toBe('distributed_arithmetic');
    expect(config.layerNames.get('sm')).toMatchObject({ tableSize: 2048, tableRange: 4, implementation: 'stable' });
    expect(shown(config.layerNames.get('sm')?.layerTypes)).toEqual(['exp_table ap_fixed<18,8,RND,SAT> @18', 'inv_table auto @19', 'inv_inp ap_fixed<20,9> @20']);
    expect(config.layerNames.get('empty')?.types.size).toBe(0);
  });

  it('are JSON, aliased YAML, or the HLSConfig of a project file', () => {
    expect(parsePrecisionConfig('{"Model": {"Precision": "ap_fixed<16,6>"}}', 'p.json').model.types.get('default')).toMatchObject({ line: 1 });
    const aliased = parsePrecisionConfig('Model: &m\n  Precision: fixed<8,4>\nLayerName:\n  a: *m\n', 'p.yml');
    expect(shown(aliased.layerNames.get('a')?.types)).toEqual(['default ap_fixed<8,4> @2']);
    const project = parsePrecisionConfig('Backend: Vitis\nIOType: io_parallel\nHLSConfig:\n  Model:\n    Precision: fixed<8,4>\n', 'hls4ml_config.yml');
    expect(shown(project.model.types)).toEqual(['default ap_fixed<8,4> @5']);
    expect(messageOf('Backnd: Vitis\nHLSConfig:\n  Model:\n    Precision: fixed<8,4>\n')).toContain("p.yml:1: unknown key 'Backnd'. Did you mean 'Backend'?");
  });

  it('say everything that is wrong, with its line', () => {
    expect(
      messageOf(`Modl:
  Precision: fixed<16,6>
Model:
  Precision: {default: fixed<16>, acum: fixed<8,4>}
  Strategy: Speed
LayerName:
  dense:
    Precision:
      weigth: fixed<8,4>
      bias: 16
      result: [fixed<8,4>]
      maximum: fixed<8,4>
    ReuseFactor: 1.5
    TableSise: 12
    TableSize: -4
    TableRange: wide
    Implementation: quick
    table_t: fixed<18,8,ROUND>
  Dense:
    Precision: fixed<8,4>
  relu: fixed<8,4>
LayerType: 7
`),
    ).toMatchInlineSnapshot(`
      "p.yml:1: unknown key 'Modl'. Did you mean 'Model'?
      p.yml:4 → Model → Precision → default: 'fixed<16>' has 1 fields; fixed takes two to five (width, integer bits, rounding, overflow, 0).
      p.yml:4 → Model → Precision: unknown key 'acum'. Did you mean 'accum'?
      p.yml:4 → Model → Precision: unknown key '4>'. There are: weight, bias, accum, result, scale, table, exp_table, inv_table, inv_inp, embeddings, param, default, maximum.
      p.yml:5 → Model → Strategy: 'Speed' is not allowed; allowed: latency, resource, resource_unrolled or distributed_arithmetic.
      p.yml:9 → LayerName → dense → Precision: unknown key 'weigth'. Did you mean 'weight'?
      p.yml:10 → LayerName → dense → Precision → bias: '16' is not allowed; allowed: a type such as fixed<16,6>, or 'auto'.
      p.yml:11 → LayerName → dense → Precision → result: a list is not allowed; allowed: a type such as fixed<16,6>, or 'auto'.
      p.yml:12 → LayerName → dense → Precision: unknown key 'maximum'. There are: weight, bias, accum, result, scale, table, exp_table, inv_table, inv_inp, embeddings, param, default.
      p.yml:13 → LayerName → dense → ReuseFactor: '1.5' is not allowed; allowed: a whole number from 1 to 16777216.
      p.yml:14 → LayerName → dense: unknown key 'TableSise'. Did you mean 'TableSize'?
      p.yml:15 → LayerName → dense → TableSize: '-4' is not allowed; allowed: a whole number from 2 to 65536.
      p.yml:16 → LayerName → dense → TableRange: 'wide' is not allowed; allowed: a positive number.
      p.yml:17 → LayerName → dense → Implementation: 'quick' is not allowed; allowed: latency, stable, legacy, argmax.
      p.yml:18 → LayerName → dense → table_t: 'fixed<18,8,ROUND>': rounding mode ROUND is none of TRN, TRN_ZERO, RND, RND_ZERO, RND_INF, RND_MIN_INF, RND_CONV.
      p.yml:19 → LayerName → Dense: names differ only in case from 'dense' on line 7; hls4ml takes them for the same.
      p.yml:21 → LayerName → relu: 'fixed<8,4>' found where a mapping is expected.
      p.yml:22 → LayerType: '7' found where a mapping is expected."
    `);
  });

  it('say where a text is no YAML', () => {
    expect([messageOf('Model: [1\n'), messageOf(''), messageOf('- 1\n'), messageOf('Model: {}\nModel: {}\n')]).toMatchInlineSnapshot(`
      [
        "p.yml:2: Flow sequence in block collection must be sufficiently indented and end with a ].",
        "p.yml:1: the file is empty.",
        "p.yml:1: the file holds no mapping of keys to values.",
        "p.yml:2: Map keys must be unique.",
      ]
    `);
  });

  it('explain a comma that YAML took for its own', () => {
    expect(messageOf('Model: {Precision: fixed<16,6>}\n')).toMatchInlineSnapshot(`
      "p.yml:1 → Model → Precision: 'fixed<16' is no fixed-point type; write for example ap_fixed<16,6> or ap_ufixed<8,0,RND,SAT>. Quote it: inside {…} a comma ends a YAML value.
      p.yml:1 → Model: unknown key '6>'. There are: Precision, Strategy, ReuseFactor."
    `);
  });

  it('survive alias bombs', () => {
    const levels = Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(', ')}]`).join('\n');
    expect(messageOf(`a0: &a0 [x]\n${levels}\nModel: *a40\n`)).toContain('unknown key');
  });
});
