import { CompileError } from '../errors.js';
import type { ModelGraph, ModelNode } from '../model/graph.js';
import { graphFromJson } from '../model/json.js';
import type { Frontend, FrontendContext, ModelSource } from './frontend.js';
import { checkSchema, headText, parseJsonSource } from './jsonText.js';

/** Our own model.json: what an output folder keeps, types included. */
export const trigforgeModelFrontend: Frontend = {
  name: 'trigforge-model',
  summary: 'the model.json of an output folder',
  detects: (source) => (/^\s*\{\s*"trigforge"\s*:/.test(headText(source, 256)) ? 1 : 0),
  parse: (source, context) => {
    const graph = graphFromJson(parseJsonSource(source), source.name);
    checkLayers(graph, source, context);
    return graph;
  },
};

/** A file is not to be trusted for its parameters and shapes: both are checked against what the layers say. */
function checkLayers(graph: ModelGraph, source: ModelSource, context: FrontendContext): void {
  const shapes = new Map<string, readonly number[]>();
  for (const input of graph.inputs) shapes.set(input.name, input.shape);
  for (const [name, value] of graph.constants) shapes.set(name, value.shape);
  for (const node of graph.nodes) {
    const { kind } = node;
    const fail = (what: string): never => {
      throw new CompileError('input', { code: 'bad-layer', where: [source.name, node.name], what });
    };
    const schema = context.catalogue.params(kind);
    if (schema === undefined) return fail(`is of kind '${kind.slice(0, 60)}', which is no layer.`);
    checkSchema<unknown>(schema, node.params, [source.name, node.name]);
    const found = context.catalogue.shape(kind, node.params, inputShapes(node, shapes));
    if (typeof found === 'string') return fail(`${found}.`);
    if (found.length !== node.shape.length || found.some((n, i) => n !== node.shape[i])) fail(`states the shape [${node.shape.join(', ')}] and has [${found.join(', ')}].`);
    shapes.set(node.output, node.shape);
  }
}

function inputShapes(node: ModelNode, shapes: ReadonlyMap<string, readonly number[]>): readonly (readonly number[])[] {
  return node.inputs.map((input) => shapes.get(input) as readonly number[]);
}
