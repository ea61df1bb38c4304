import type { Program, ProgramNode } from './program.js';

/** Every name in an argument, whatever kind it is. */
function namesIn(value: unknown, depth = 0): readonly string[] {
  if (depth > 16 || typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item) => namesIn(item, depth + 1));
  return Object.entries(value).flatMap(([key, item]) => (typeof item === 'string' && (key === 'name' || key === 'as_name') ? [item] : namesIn(item, depth + 1)));
}

/** The nodes that an output of the program depends on: not its assertions, nor what only they read. */
export function liveNodes({ graph, signature }: Program): readonly ProgramNode[] {
  const needed = new Set(namesIn(signature.output_specs));
  const live: ProgramNode[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!namesIn(node.outputs).some((name) => needed.has(name))) continue;
    live.push(node);
    for (const { arg } of node.inputs) for (const name of namesIn(arg)) needed.add(name);
  }
  return live.reverse();
}

/** Operators whose result shares memory with their first input. */
const VIEWS = /\.(view|_unsafe_view|reshape|slice|select|transpose|permute|t|squeeze|unsqueeze|expand|expand_as|narrow|chunk|split|split_with_sizes|unbind|flatten|unflatten|alias|detach|diagonal|unfold|view_as|swapaxes|numpy_T|contiguous)\b/;

/**
 * Nodes that change a tensor in place of which somebody else keeps a view: their result reaches more than its own name, so that
 * reading them as functions would be wrong.
 */
export function sharedMutations({ graph }: Program): readonly ProgramNode[] {
  const viewed = new Set<string>();
  const views = new Set<string>();
  return graph.nodes.filter((node) => {
    const of = namesIn(node.inputs[0]?.arg)[0];
    if (of !== undefined && VIEWS.test(node.target)) {
      viewed.add(of);
      for (const name of namesIn(node.outputs)) views.add(name);
    }
    return isInPlace(node.target) && of !== undefined && (viewed.has(of) || views.has(of));
  });
}

/** `torch.ops.aten.add_.Tensor`; not `__and__`, nor what only asserts or drops out. */
function isInPlace(target: string): boolean {
  const name = /^torch\.ops\.aten\.(\w+)/.exec(target)?.[1] ?? '';
  return /[a-z0-9]_$/.test(name) && !/^(dropout|feature_dropout|alpha_dropout|detach)_$/.test(name);
}
