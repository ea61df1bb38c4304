import { inspectModel } from '../../compile/inspect.js';
import { formatCount } from '../../report/format.js';
import { table } from '../../report/table.js';
import { openModel, sideFilesOf } from '../files.js';
import type { Terminal } from '../terminal.js';

/** `inspect MODEL`: what was understood; what is not supported is reported all at once by the frontend. */
export function inspectCommand(model: string, weights: string | undefined, terminal: Terminal): number {
  const summary = inspectModel(openModel(model, weights), sideFilesOf(model));
  terminal.event({ event: 'model', ...summary, unsupported: [] });
  terminal.print(`${summary.name}: ${summary.format}, ${summary.layers.length} layers, ${formatCount(summary.parameters)} parameters`);
  for (const input of summary.inputs) terminal.print(`  input   ${input.name} [${input.shape.join(', ')}]${input.type === undefined ? '' : ` ${input.type}`}`);
  for (const output of summary.outputs) terminal.print(`  output  ${output.name} [${output.shape.join(', ')}]`);
  const columns = [{ title: 'layer', flexible: true }, { title: 'kind' }, { title: 'output shape' }, { title: 'parameters', right: true }, { title: 'details', flexible: true }];
  const rows = summary.layers.map((layer) => [layer.name, layer.kind, `[${layer.shape.join(', ')}]`, String(layer.parameters), layer.details]);
  for (const line of table(columns, rows, process.stdout.columns ?? 110)) terminal.print(line);
  return 0;
}
