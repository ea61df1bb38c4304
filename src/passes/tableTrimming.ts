import type { Circuit, Table } from '../circuit/circuit.js';
import { intervalOf, Op } from '../circuit/circuit.js';
import type { Int } from '../fixed/integer.js';
import { add, max, min, shift, sub } from '../fixed/integer.js';
import type { Pass } from './pass.js';
import { rewriteCircuit } from './rewrite.js';

/** Tables lose the entries at either end that no lookup of theirs can reach. */
export const tableTrimming: Pass = {
  name: 'table-trimming',
  summary: 'table entries that no index can reach are dropped',
  run: (circuit) => {
    const trimmed = trimmedTables(circuit);
    if (trimmed.size === 0) return circuit;
    return rewriteCircuit(circuit, ({ builder, a, table }) => {
      const smaller = table === undefined ? undefined : trimmed.get(table);
      return smaller === undefined ? undefined : builder.lookup(a, smaller);
    });
  },
};

function trimmedTables(circuit: Circuit): ReadonlyMap<Table, Table> {
  const reached = new Map<Table, { lo: Int; hi: Int }>();
  for (let op = 0; op < circuit.size; op++) {
    if (circuit.kind[op] !== Op.lookup) continue;
    const table = circuit.tables[circuit.param[op] as number] as Table;
    const index = intervalOf(circuit, circuit.a[op] as number);
    const lo = shift(index.lo, index.exp - table.indexExp);
    const hi = shift(index.hi, index.exp - table.indexExp);
    const before = reached.get(table);
    reached.set(table, before === undefined ? { lo, hi } : { lo: min(before.lo, lo), hi: max(before.hi, hi) });
  }
  const trimmed = new Map<Table, Table>();
  for (const [table, { lo, hi }] of reached) {
    const from = Number(sub(lo, table.base));
    const to = Number(sub(hi, table.base));
    if (to - from + 1 === table.values.length) continue;
    trimmed.set(table, { ...table, base: add(table.base, from), values: table.values.slice(from, to + 1) });
  }
  return trimmed;
}
