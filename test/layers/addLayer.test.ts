import { appendFileSync, cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { evaluateCircuit } from '../../src/circuit/evaluate.js';
import type { lowerGraph } from '../../src/layers/lower.js';
import type { catalogue } from '../../src/layers/registry.js';
import type { graphFromJson } from '../../src/model/json.js';
import type { growTypes } from '../../src/quantize/grow.js';

/** A layer that the project does not have, written as docs/contributing.md says: this one file … */
const LAYER = `
import { z } from 'zod';
import { tensor, type Tensor } from '../model/tensor.js';
import { plusConstant, timesConstant } from './arithmetic.js';
import type { LayerDefinition, LoweredTensor } from './definition.js';
import { lowerElements } from './lowering.js';

export interface ConveyorParams { readonly factor: number }

export const conveyorLayer: LayerDefinition<ConveyorParams> = {
  kind: 'conveyor',
  params: z.strictObject({ factor: z.int().min(1) }),
  hls4mlClass: () => 'Conveyor',
  shape: (_, [input = []]) => input,
  evaluate: ({ factor }, [x]) => tensor((x as Tensor).shape, (x as Tensor).data.map((v) => factor * v + 1)),
  lower: ({ factor }, [x], context) => {
    const { shape, ops } = x as LoweredTensor;
    return lowerElements(context, shape, (e) => plusConstant(context.builder, timesConstant(context.builder, ops[e] as number, factor), 1));
  },
};
`;
/** … and this one line. */
const LINE = "export { conveyorLayer as conveyor } from './conveyor.js';\n";

const ENTRY = `
export { evaluateCircuit } from './circuit/evaluate.js';
export { lowerGraph } from './layers/lower.js';
export { catalogue } from './layers/registry.js';
export { graphFromJson } from './model/json.js';
export { growTypes } from './quantize/grow.js';
export { trigforgeModelFrontend } from './frontends/trigforgeModel.js';
`;

/** What the types of all kinds must know of it. */
const TYPED = `
import type { LayerKind, LayerParams } from './layers/registry.js';
export const kind: LayerKind = 'conveyor';
export const params: LayerParams['conveyor'] = { factor: 3 };
`;

interface Copy {
  readonly catalogue: typeof catalogue;
  readonly growTypes: typeof growTypes;
  readonly lowerGraph: typeof lowerGraph;
  readonly evaluateCircuit: typeof evaluateCircuit;
  readonly graphFromJson: typeof graphFromJson;
  readonly trigforgeModelFrontend: { readonly parse: (source: unknown, context: unknown) => ReturnType<typeof graphFromJson> };
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'trigforge-layer-'));

const model = (params: unknown) => ({
  trigforge: 'model', version: 1, name: 'm', format: 'test', parameters: 0, constants: [],
  inputs: [{ name: 'x', shape: [1, 2], type: 'ap_fixed<4,4>' }],
  outputs: [{ name: 'y', tensor: 'y', shape: [1, 2] }],
  nodes: [{ name: 'belt', kind: 'conveyor', params, inputs: ['x'], output: 'y', shape: [1, 2] }],
});

describe('a new layer is one file and one line', () => {
  let copy: Copy;

  beforeAll(async () => {
    cpSync(join(root, 'src'), join(folder, 'src'), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(join(folder, 'src/layers/conveyor.ts'), LAYER);
    appendFileSync(join(folder, 'src/layers/kinds.ts'), LINE);
    writeFileSync(join(folder, 'src/entry.ts'), ENTRY);
    writeFileSync(join(folder, 'src/typed.ts'), TYPED);
    await build({ entryPoints: [join(folder, 'src/entry.ts')], outfile: join(folder, 'out.mjs'), bundle: true, format: 'esm', platform: 'node', logLevel: 'silent', packages: 'external' });
    copy = await import(pathToFileURL(join(folder, 'out.mjs')).href) as Copy;
  }, 60_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('compiles without errors', () => {
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as { config: { compilerOptions: object } };
    const { options } = ts.convertCompilerOptionsFromJson({ ...config.compilerOptions, noEmit: true, rootDir: '.', types: [] }, folder);
    const program = ts.createProgram([join(folder, 'src/typed.ts')], options);
    const files = ['typed.ts', 'layers/conveyor.ts', 'layers/kinds.ts', 'layers/registry.ts'].map((path) => program.getSourceFile(join(folder, 'src', path)));
    expect(files).not.toContain(undefined);
    const problems = files.flatMap((file) => program.getSemanticDiagnostics(file)).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
    expect(problems).toEqual([]);
  }, 60_000);

  it('is read from model.json, typed, lowered and evaluated', () => {
    const bytes = new TextEncoder().encode(JSON.stringify(model({ factor: 3 })));
    const graph = copy.trigforgeModelFrontend.parse({ name: 'm.json', bytes }, { catalogue: copy.catalogue });
    const grown = copy.growTypes(graph, {}, copy.catalogue).graph;
    const circuit = copy.lowerGraph(grown);
    expect(copy.evaluateCircuit(circuit, [[-8, 7]])).toEqual([[-23, 22]]);
    expect([...copy.catalogue.evaluate('conveyor', { factor: 3 }, [{ shape: [1, 2], data: Float64Array.of(-8, 7) }]).data]).toEqual([-23, 22]);
  });

  it('has its parameters checked', () => {
    const bytes = new TextEncoder().encode(JSON.stringify(model({ factor: 0 })));
    expect(() => copy.trigforgeModelFrontend.parse({ name: 'm.json', bytes }, { catalogue: copy.catalogue })).toThrow(/factor|>=1/);
  });
});
