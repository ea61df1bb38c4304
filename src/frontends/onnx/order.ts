import type { Problem } from '../../errors.js';
import type { NodeProto } from './schema.js';

/** Nodes in an order in which every input comes before its use, or what makes that impossible. */
type Order = { readonly nodes: readonly number[]; readonly problems: readonly Problem[] };

/** How a node is called in messages: its name, else what it computes. */
export function nodeLabel(node: NodeProto): string {
  return node.name !== '' ? node.name : `${node.opType} → ${node.output[0] ?? 'nothing'}`;
}

/**
 * Sorts the nodes (ONNX asks for sorted files; not all are), keeping the file's order where it works.
 * Finds tensors made twice, tensors nobody makes, and cycles.
 */
export function orderNodes(nodes: readonly NodeProto[], given: ReadonlySet<string>, fileName: string): Order {
  const problems: Problem[] = [];
  const producer = new Map<string, number>();
  nodes.forEach((node, i) => {
    for (const output of node.output) {
      if (output === '') continue;
      if (producer.has(output) || given.has(output)) {
        problems.push({ code: 'duplicate-output', where: [fileName, nodeLabel(node)], what: `makes the tensor '${output}', which is made elsewhere too.` });
      } else producer.set(output, i);
    }
  });
  for (const node of nodes) {
    for (const input of node.input) {
      if (input !== '' && !given.has(input) && !producer.has(input)) {
        problems.push({ code: 'missing-tensor', where: [fileName, nodeLabel(node)], what: `reads the tensor '${input}', which is neither an input, a constant nor made by any node.` });
      }
    }
  }
  if (problems.length > 0) return { nodes: [], problems };
  return sortByUse(nodes, producer, fileName);
}

function sortByUse(nodes: readonly NodeProto[], producer: ReadonlyMap<string, number>, fileName: string): Order {
  const order: number[] = [];
  const state = new Uint8Array(nodes.length); // 0 untouched, 1 on the path, 2 done
  for (let root = 0; root < nodes.length; root++) {
    if (state[root] !== 0) continue;
    const path: { readonly node: number; next: number }[] = [{ node: root, next: 0 }];
    state[root] = 1;
    while (path.length > 0) {
      const top = path[path.length - 1] as { readonly node: number; next: number };
      const inputs = (nodes[top.node] as NodeProto).input;
      const input = inputs[top.next];
      if (input === undefined) {
        state[top.node] = 2;
        order.push(top.node);
        path.pop();
        continue;
      }
      top.next += 1;
      const from = producer.get(input);
      if (from === undefined || state[from] === 2) continue;
      if (state[from] === 1) {
        const start = path.findIndex((step) => step.node === from);
        const cycle = path.slice(start, start + 8).map((step) => nodeLabel(nodes[step.node] as NodeProto));
        const problem = { code: 'cycle', where: [fileName], what: `its nodes form a cycle: ${[...cycle].reverse().join(' → ')} → ${cycle[cycle.length - 1] ?? ''}.`, mend: 'A model must be acyclic; unroll the recurrence.' };
        return { nodes: [], problems: [problem] };
      }
      state[from] = 1;
      path.push({ node: from, next: 0 });
    }
  }
  return { nodes: order, problems: [] };
}
