import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OP_NAMES } from '../../src/circuit/circuit.js';
import { COMMANDS } from '../../src/cli/commandTable.js';
import { OPTION_NAMES } from '../../src/cli/optionTable.js';
import { atenOperators } from '../../src/frontends/torch/aten/index.js';
import { operatorsByDomain } from '../../src/frontends/onnx/operators/index.js';
import { hgqLayers } from '../../src/frontends/keras/hgq/index.js';
import { activations as kerasActivations, layerHandlers } from '../../src/frontends/keras/tables.js';
import { frontends } from '../../src/frontends/registry.js';
import { layers } from '../../src/layers/registry.js';
import { defaultPasses } from '../../src/passes/pipeline.js';
import { HLS4ML_CLASSES } from '../../src/quantize/layerVariables.js';
import { DEFAULT_RESOLUTION } from '../../src/quantize/grow.js';
import { reportSchema } from '../../src/report/schema.js';
import { deviceOf, PART_NAMES } from '../../src/timing/device.js';
import { ROOMS } from '../structure/rooms.js';
import { anchorsOf, DOCUMENTS, linksOf, namesOf, readDocument, ROOT, tableUnder } from './markdown.js';

const sorted = (names: Iterable<string>): string[] => [...names].sort();

describe('links between documents', () => {
  it.each(DOCUMENTS)('%s: every link leads somewhere', (path) => {
    const links = linksOf(readDocument(path));
    expect(links.length).toBeGreaterThan(0);
    const broken = links.filter((link) => {
      if (/^https?:/.test(link)) return false;
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : normalize(join(dirname(path), file));
      if (target.startsWith('..') || !existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !anchorsOf(readDocument(target)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it('leave no document out', () => {
    const reached = new Set(linksOf(readDocument('README.md')).map((link) => normalize(link)));
    expect(DOCUMENTS.filter((path) => path !== 'README.md' && !reached.has(path))).toEqual([]);
  });

  it('show pictures of a moderate size', () => {
    const pictures = DOCUMENTS.flatMap((path) => linksOf(readDocument(path)).filter((link) => /\.(png|svg)$/.test(link)).map((link) => join(dirname(path), link)));
    expect(pictures.length).toBeGreaterThan(0);
    expect(pictures.filter((path) => statSync(join(ROOT, path)).size > 300_000)).toEqual([]);
  });

  it('notices what leads nowhere', () => {
    expect(linksOf('[a](b.md) `[c](d.md)` [`e`](f.md#g)\n```\n[h](i.md)\n```\n')).toEqual(['b.md', 'f.md#g']);
    expect(anchorsOf('# A b\n## `c`: d, e\n')).toEqual(['a-b', 'c-d-e']);
  });
});

describe('scripts that measure documents', () => {
  it('find the sources that they run', () => {
    const { status, stdout } = spawnSync(process.execPath, ['--import', 'tsx', 'docs/zoo.mjs', '--join'], { cwd: ROOT, encoding: 'utf8' });
    expect([status, stdout.split('\n')[0]]).toEqual([0, '| model | format | layers | float reference: largest error | compiled | LUT (estimated) |']);
  });
});

describe('formats and layers', () => {
  const document = readDocument('docs/formats-and-layers.md');

  it('lists every format', () => {
    expect(namesOf(tableUnder(document, 'Formats'))).toEqual(frontends.map((frontend) => frontend.name));
  });

  it('lists every ONNX operator', () => {
    const names = ['', 'ai.onnx.ml', 'com.microsoft'].flatMap((domain) => Object.keys(operatorsByDomain.get(domain) ?? {}));
    expect(namesOf(tableUnder(document, 'ONNX operators'))).toEqual(sorted([...new Set(names)]));
  });

  it('lists every ATen operator', () => {
    const listed = tableUnder(document, 'ATen operators').flatMap((row) => (row[1] ?? '').split(', ').map((name) => name.replaceAll('`', '')));
    expect(sorted(listed)).toEqual(sorted(Object.keys(atenOperators)));
  });

  it('lists every QONNX operator', () => {
    const domains = [...operatorsByDomain.keys()].filter((domain) => !['', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft'].includes(domain));
    const names = domains.flatMap((domain) => Object.keys(operatorsByDomain.get(domain) ?? {}));
    expect(sorted(namesOf(tableUnder(document, 'QONNX operators')))).toEqual(sorted([...new Set(names)]));
    for (const domain of domains) expect(document).toContain(`\`${domain}\``);
  });

  it('lists every Keras layer and activation', () => {
    expect(sorted(namesOf(tableUnder(document, 'Keras layers')))).toEqual(sorted(Object.keys(layerHandlers).filter((name) => !name.startsWith('ops>') && !Object.hasOwn(hgqLayers, name))));
    const operations = /^Operations of `keras\.ops`[^:]*: (.*?)\.$/ms.exec(document)?.[1] ?? '';
    expect(sorted([...operations.matchAll(/`(\w+)`/g)].map((match) => `ops>${match[1]}`))).toEqual(sorted(Object.keys(layerHandlers).filter((name) => name.startsWith('ops>'))));
    const text = /^Activations, as layers and as `activation=`: (.*?)\. /ms.exec(document)?.[1] ?? '';
    expect(sorted([...text.matchAll(/`([\w>]+)`/g)].map((match) => match[1] as string))).toEqual(sorted(Object.keys(kerasActivations)));
  });

  it('names only layers that exist as what operators become', () => {
    const rows = [...tableUnder(document, 'ONNX operators'), ...tableUnder(document, 'QONNX operators'), ...tableUnder(document, 'Keras layers')];
    const kinds = new Set(rows.flatMap((row) => (row[1] ?? '').split(', ')));
    for (const none of ['–', '…']) kinds.delete(none);
    expect([...kinds].filter((kind) => !Object.hasOwn(layers, kind))).toEqual([]);
  });

  it('lists every kind of layer, with classes that hls4ml has', () => {
    const rows = tableUnder(document, 'Layers');
    expect(namesOf(rows)).toEqual(sorted(Object.keys(layers)));
    const classes = rows.flatMap((row) => (row[2] ?? '').split(', ')).filter((name) => name !== '–' && name !== '…');
    expect(classes.filter((name) => !(HLS4ML_CLASSES as readonly string[]).includes(name))).toEqual([]);
  });

  it('lists every layer of HGQ2', () => {
    const names = Object.keys(hgqLayers).map((name) => name.slice(name.indexOf('>') + 1));
    expect(sorted(namesOf(tableUnder(document, 'HGQ2 layers')))).toEqual(sorted(names));
  });

  it('lists every device', () => {
    const rows = tableUnder(document, 'Devices');
    expect(namesOf(rows)).toEqual([...PART_NAMES]);
    for (const [part = '', family, lutInputs] of rows) {
      const device = deviceOf(part.replaceAll('`', ''));
      expect([family, lutInputs], part).toEqual([device.family, String(device.lutInputs)]);
    }
  });
});

describe('other tables', () => {
  it('how it works: operations and passes', () => {
    const document = readDocument('docs/how-it-works.md');
    expect(namesOf(tableUnder(document, 'The circuit'))).toEqual([...OP_NAMES]);
    expect(tableUnder(document, 'Passes').map((row) => [row[0], row[1]])).toEqual(defaultPasses.map((pass) => [`\`${pass.name}\``, pass.summary]));
  });

  it('contributing: rooms and what they may import', () => {
    const rows = tableUnder(readDocument('docs/contributing.md'), 'The rooms');
    expect(sorted(namesOf(rows))).toEqual(sorted(Object.keys(ROOMS)));
    for (const [name, room] of Object.entries(ROOMS)) {
      const allowed = rows.find((row) => row[0] === `\`${name}\``)?.[2] ?? '';
      if (name === 'compile' || name === 'report') continue;
      const types = 'types' in room ? room.types.map((other) => `types of ${other}`) : [];
      const all = [...room.imports, ...types];
      expect(sorted(allowed.split(', ')), name).toEqual(all.length === 0 ? ['nothing'] : sorted(all));
    }
  });

  it('report.json: every field of the schema', () => {
    const document = readDocument('docs/report.md');
    const listed = namesOf(tableUnder(document, 'report.json'));
    expect(sorted(listed)).toEqual(sorted(Object.keys(reportSchema.shape)));
  });

  it('precision: the resolution of grown types', () => {
    const text = tableUnder(readDocument('docs/precision.md'), 'Grown types').map((row) => row.join(' ')).join('\n');
    const { weightBits, resultBits, tableBits } = DEFAULT_RESOLUTION;
    expect(text).toContain(`${weightBits} significant bits of the greatest magnitude`);
    expect(text).toContain(`${resultBits} significant bits of its proven range`);
    expect(text).toContain(`${2 * resultBits} significant bits of the proven range`);
    expect(text).toContain(`${tableBits} significant bits; arguments in steps of 2^−${tableBits - 2}`);
    expect(text).toContain(`within 2^−${weightBits} of the score's range`);
  });
});

describe('options', () => {
  /** Options of the other commands, and of programs that documents mention. */
  const OTHERS = [...Object.values(COMMANDS).flatMap((command) => Object.keys(command.options)), 'help', 'no-deps', 'noEmit', 'write', 'partition', 'time'];

  it.each(DOCUMENTS)('%s: names only options that exist', (path) => {
    const used = new Set([...readDocument(path).matchAll(/(?<![\w-])--([a-z][a-zA-Z-]*)/g)].map((match) => match[1] as string));
    const known: readonly string[] = [...OPTION_NAMES, ...OTHERS];
    expect([...used].filter((name) => !known.includes(name))).toEqual([]);
  });
});
