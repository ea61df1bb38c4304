import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CompileError } from '../../src/errors.js';
import { ioSchemaSchema, readIoSchema } from '../../src/io/ioSchema.js';

function complaints(text: string): string[] {
  try {
    readIoSchema(text, 'io.yml');
  } catch (error) {
    if (error instanceof CompileError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('readIoSchema', () => {
  it('reads the example', () => {
    const { schema } = readIoSchema(readFileSync(new URL('../fixtures/io/anomaly.yml', import.meta.url), 'utf8'), 'anomaly.yml');
    expect(schema.inputs?.['objects']?.objects.map(({ name, count }) => [name, count])).toEqual([['met', undefined], ['egamma', 4], ['muon', 4], ['jet', 10]]);
    expect(schema.outputs?.['anomaly_score']?.steps).toHaveLength(3);
  });

  it('says what is wrong at its line, all at once', () => {
    expect(complaints([
      'version: 1',
      'inputs:',
      '  x:',
      '    arithmetic: ap_fixed<13',
      '    objects:',
      '      - name: met',
      '        fields:',
      '          - {name: pt, width: 12, ofset: 3}',
      '          - name: eta',
      '            width: 99',
      '  y: {objects: []}',
      'output: {}',
      'patterns: {inputs: {links: [a]}}',
    ].join('\n'))).toEqual([
      "io.yml:4 → inputs → x → arithmetic: 'ap_fixed<13' is no fixed-point type; write for example ap_fixed<16,6> or ap_ufixed<8,0,RND,SAT>.",
      "io.yml:8 → inputs → x → objects → 0 → fields → 0 → ofset: there is no field 'ofset' here. Did you mean 'offset'?",
      'io.yml:10 → inputs → x → objects → 0 → fields → 1 → width: Too big: expected number to be <=64.',
      'io.yml:11 → inputs → y → objects: Too small: expected array to have >=1 items.',
      'io.yml:13 → patterns → inputs → links → 0: Invalid input: expected number, received string.',
      "io.yml:12 → output: there is no field 'output' here. Did you mean 'outputs'?",
    ]);
  });

  it.each([
    ['neither width nor type', '{name: pt}', 'io.yml:5 → inputs → x → objects → 0 → fields → 0: has neither width nor type. Give width: bits (and signed: true), or type: ap_fixed<…>.'],
    ['both', '{name: pt, width: 3, type: "ap_fixed<3,3>"}', 'io.yml:5 → inputs → x → objects → 0 → fields → 0: has both width and type. Give width: bits (and signed: true), or type: ap_fixed<…>.'],
    ['a sign beside a type', '{name: pt, signed: true, type: "ap_fixed<3,3>"}', 'io.yml:5 → inputs → x → objects → 0 → fields → 0 → signed: a field with a type says there whether it is signed.'],
    ['a list of another length', '{name: pt, width: 3, shift: [1, 2, 3]}', 'io.yml:5 → inputs → x → objects → 0 → fields → 0 → shift: has 3 values for 2 objects.'],
    ['a scale without lsb', '{name: pt, width: 3, scale: lsb}', 'io.yml:5 → inputs → x → objects → 0 → fields → 0 → scale: the field has no lsb to be scaled by.'],
    ['a broken shift', '{name: pt, width: 3, shift: 0.5}', 'io.yml:5 → inputs → x → objects → 0 → fields → 0 → shift: Invalid input: expected int, received number.'],
    ['a name that is none', '{name: "p t", width: 3}', 'io.yml:5 → inputs → x → objects → 0 → fields → 0 → name: must be a name of letters, digits and single underscores, a letter first.'],
    ['a name twice', '{name: pt, width: 3}, {name: PT, width: 3}', "io.yml:5 → inputs → x → objects → 0 → fields → 1 → name: 'PT' is the name of two fields of met."],
  ])('refuses %s', (_, fields, expected) => {
    expect(complaints(`version: 1\ninputs:\n  x:\n    objects:\n      - {name: met, count: 2, fields: [${fields}]}\n`)).toEqual([expected]);
  });

  it('refuses names that come out as one', () => {
    const objects = '[{name: jet, count: 2, fields: [{name: pt, width: 3}]}, {name: jet_1, fields: [{name: pt, width: 3}]}]';
    expect(complaints(`version: 1\ninputs:\n  x:\n    objects: ${objects}\n`)).toEqual(["io.yml:4 → inputs → x → objects → 1 → name: 'jet_1_pt' would be the name of two elements."]);
  });

  it.each([
    ['steps it does not know', 'outputs: {y: {steps: [{do: root}]}}', /io.yml:2 → outputs → y → steps → 0/],
    ['a cast without a type', 'outputs: {y: {steps: [{do: cast}]}}', /io.yml:2 → outputs → y → steps → 0 → type|steps → 0/],
    ['links twice', 'patterns: {inputs: {links: [3, 3]}}', /io.yml:2 → patterns → inputs → links: names a link twice\./],
    ['an interval that is too short', 'patterns: {inputs: {frames: 3, interval: 2}}', /io.yml:2 → patterns → inputs → interval: is less than the 3 frames of an event\./],
    ['another version', 'version: 2', /io.yml:1/],
    ['a list', '[1, 2]', /io.yml:1/],
    ['an alias that grows without bound', `a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]`, /alias/],
  ])('refuses %s', (_, text, expected) => {
    const first = text.startsWith('version') || text.startsWith('[') ? text : `version: 1\n${text}`;
    expect(complaints(first).join('\n')).toMatch(expected);
  });

  it('is published as the JSON schema that editors check files with', () => {
    const published: unknown = JSON.parse(readFileSync(new URL('../../docs/io-schema.json', import.meta.url), 'utf8'));
    expect(published).toEqual(JSON.parse(JSON.stringify(z.toJSONSchema(ioSchemaSchema, { io: 'input' }))));
  });
});
