import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseModel } from '../../src/frontends/registry.js';
import { formatFixedType, parseFixedType } from '../../src/fixed/fixedType.js';
import type { FixedType } from '../../src/fixed/fixedType.js';
import { catalogue } from '../../src/layers/registry.js';
import type { LayerPrecision, ModelGraph } from '../../src/model/graph.js';
import { applyInputTypes } from '../../src/quantize/inputTypes.js';
import { applyPrecision } from '../../src/quantize/applyPrecision.js';
import { growTypes } from '../../src/quantize/grow.js';
import { parsePrecisionConfig } from '../../src/quantize/precisionConfig.js';

const SHARED = new URL('../../../shared/', import.meta.url);
const folders = (path: string): string[] => (existsSync(new URL(path, SHARED)) ? readdirSync(new URL(path, SHARED)).map((name) => `${path}/${name}/`) : []);
const read = (path: string): string => readFileSync(new URL(path, SHARED), 'utf8');
const deployed = folders('models/deployed').filter((folder) => existsSync(new URL(`${folder}precision.yml`, SHARED)));
const bench = folders('bench').filter((folder) => existsSync(new URL(`${folder}precision.yml`, SHARED)));

function graphOf(path: string): ModelGraph {
  return parseModel({ name: path, bytes: readFileSync(new URL(path, SHARED)) }, { catalogue, readSide: () => undefined });
}

function typedOf(folder: string): ModelGraph {
  const config = parsePrecisionConfig(read(`${folder}precision.yml`), 'precision.yml');
  return applyPrecision(graphOf(`${folder}float.onnx`), config, catalogue);
}

/** The rows of the README's types table: layer → column → text. */
function typesTable(readme: string): Map<string, Record<string, string>> {
  const lines = readme.slice(readme.indexOf('## Types')).split('\n').filter((line) => line.startsWith('|'));
  const cells = (line: string): string[] => line.split('|').slice(1, -1).map((cell) => cell.trim());
  const end = lines.findIndex((line, i) => i > 1 && cells(line).length !== cells(lines[0] as string).length);
  const header = cells(lines[0] as string);
  return new Map(lines.slice(2, end < 0 ? undefined : end).map((line) => [cells(line)[0] as string, Object.fromEntries(cells(line).map((cell, i) => [header[i] as string, cell]))]));
}

const plain = (text: string): string => {
  const type = parseFixedType(text);
  expect(type).toBeTypeOf('object');
  return formatFixedType(type as FixedType);
};

function expectRow(row: Record<string, string>, precision: LayerPrecision, isScaled: boolean): void {
  const shown = (type: FixedType | undefined): string | undefined => (type === undefined ? undefined : formatFixedType(type));
  if (row['weight / scale']) expect(shown(isScaled ? precision.scale : precision.weight)).toBe(plain(row['weight / scale']));
  if (row['accum']) expect(shown(precision.accum)).toBe(plain(row['accum']));
  if (row['bias']) expect(shown(precision.bias)).toBe(plain(row['bias']));
  if (row['result']) expect(shown(precision.result)).toBe(plain(row['result']));
  const other = row['other'] ?? '';
  const table = /table (u?fixed<[^>]*>)/.exec(other)?.[1];
  if (table !== undefined) expect(shown(precision.table)).toBe(plain(table));
  const size = /TableSize (\d+)/.exec(other)?.[1];
  if (size !== undefined) expect(precision.tableSize).toBe(Number(size));
  const range = /TableRange (\d+)/.exec(other)?.[1];
  if (range !== undefined) expect(precision.tableRange).toBe(Number(range));
  const embeddings = /embeddings (u?fixed<[^>]*>)/.exec(other)?.[1];
  if (embeddings !== undefined) expect(shown(precision.embeddings)).toBe(plain(embeddings));
}

describe.skipIf(deployed.length === 0)('types of deployed models', () => {
  it.each(deployed)('%s: every type of the README is resolved from precision.yml', (folder) => {
    const graph = typedOf(folder);
    const table = typesTable(read(`${folder}README.md`));
    expect(table.size).toBeGreaterThan(3);
    const unseen = new Set(table.keys());
    for (const [layer, row] of table) {
      const input = graph.inputs.find(({ name }) => name === layer);
      const node = graph.nodes.find(({ name }) => name === layer);
      if (input?.type !== undefined) expect(formatFixedType(input.type)).toBe(plain(row['result'] as string));
      else expectRow(row, node?.precision as LayerPrecision, node?.kind === 'batchNormalization');
      unseen.delete(layer);
    }
    expect([...unseen]).toEqual([]);
    const extra = graph.nodes.filter((node) => node.precision !== undefined && !table.has(node.name)).map((node) => node.name);
    expect(extra).toEqual([]);
  });

  it.each(deployed)('%s: model.onnx alone has its wire types and stays exact', (folder) => {
    const graph = applyInputTypes(graphOf(`${folder}model.onnx`), {}, catalogue);
    expect(graph.inputs.every((input) => input.type !== undefined)).toBe(true);
    const { statements } = growTypes(graph, {}, catalogue);
    expect(statements.filter(({ source }) => source === 'auto')).toMatchSnapshot();
  });
});

describe.skipIf(bench.length === 0)('types of the benchmark models', () => {
  it.each(bench)('%s: auto is inferred', (folder) => {
    const graph = typedOf(folder);
    const types = graph.nodes.map(({ name, precision }) => [name, precision?.accum, precision?.result].map((t) => (typeof t === 'object' ? formatFixedType(t) : (t ?? '-'))).join(' '));
    expect(types).toMatchSnapshot();
  });
});
