import type { Report } from '../schema.js';

/** A box of the drawn model: its place and size in pixels, from the upper left corner. */
export interface GraphBox {
  readonly name: string;
  /** The layer's place in the report; absent for an input or output of the model. */
  readonly layer?: number;
  readonly x: number;
  readonly y: number;
}

/** The model as a drawing. */
export interface GraphLayout {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly GraphBox[];
  /** The corners of each connection. */
  readonly lines: readonly (readonly (readonly [number, number])[])[];
}

export const BOX_WIDTH_PX = 184;
export const BOX_HEIGHT_PX = 46;

/** Beyond these a drawing shows nothing, and its layout takes long. */
const MOST_LAYERS = 150;

/** Places the layers of a report that says what each reads; undefined where it does not, or where there are too many. */
export async function layoutModel(report: Report): Promise<GraphLayout | undefined> {
  const { layers, model } = report;
  if (layers.length === 0 || layers.length > MOST_LAYERS || layers.some((layer) => layer.inputs === undefined)) return undefined;
  const { Graph, layout } = await import('@dagrejs/dagre');
  const graph = new Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: 24, ranksep: 30, marginx: 4, marginy: 4 });
  graph.setDefaultEdgeLabel(() => ({}));
  const add = (key: string): void => void graph.setNode(key, { width: BOX_WIDTH_PX, height: BOX_HEIGHT_PX });
  const keys = new Map<string, string>();
  model.inputs.forEach(({ name }, i) => {
    add(`input ${i}`);
    keys.set(name, `input ${i}`);
  });
  layers.forEach(({ name }, i) => {
    add(`layer ${i}`);
    keys.set(name, `layer ${i}`);
  });
  layers.forEach((layer, i) => {
    for (const input of layer.inputs ?? []) {
      const from = keys.get(input);
      if (from !== undefined) graph.setEdge(from, `layer ${i}`);
    }
  });
  layout(graph);
  return drawing(graph, report);
}

/** What is read of a laid-out graph. */
interface Placed {
  readonly nodes: () => readonly string[];
  readonly node: (key: string) => { readonly x?: number; readonly y?: number };
  readonly edges: () => readonly unknown[];
  readonly edge: (edge: never) => { readonly points?: readonly { readonly x: number; readonly y: number }[] };
  readonly graph: () => unknown;
}

function drawing(graph: Placed, { model, layers }: Report): GraphLayout {
  const boxes = graph.nodes().map((key): GraphBox => {
    const { x = 0, y = 0 } = graph.node(key);
    const place = { x: Math.round(x - BOX_WIDTH_PX / 2), y: Math.round(y - BOX_HEIGHT_PX / 2) };
    const [kind, index] = key.split(' ');
    const i = Number(index);
    return kind === 'layer' ? { name: layers[i]?.name ?? '', layer: i, ...place } : { name: model.inputs[i]?.name ?? '', ...place };
  });
  const lines = graph.edges().map((edge) => (graph.edge(edge as never).points ?? []).map(({ x, y }) => [Math.round(x), Math.round(y)] as const));
  const { width = 0, height = 0 } = graph.graph() as { readonly width?: number; readonly height?: number };
  return { width: Math.ceil(width), height: Math.ceil(height), boxes, lines };
}
