import { explainEvent } from '../../compile/explain.js';
import { openFolder } from '../../compile/folder.js';
import { CompileError, didYouMean } from '../../errors.js';
import type { Explanation } from '../../report/explanation.js';
import { textExplanation } from '../../report/explanation.js';
import { folderSource, readEvents } from '../files.js';
import type { Terminal } from '../terminal.js';

export interface ExplainOptions {
  readonly out: string;
  readonly inputs: string;
  readonly event?: number;
  readonly layer?: string;
}

/** `explain OUT --inputs X.npy --event N`: where one event's float and firmware values part, and why. */
export function explainCommand({ out, inputs, event, layer }: ExplainOptions, terminal: Terminal): number {
  const explanation = explainEvent(openFolder(folderSource(out)), readEvents(inputs), event);
  for (const warning of explanation.warnings) terminal.warn(warning);
  const names = explanation.layers.map((own) => own.name);
  if (layer !== undefined && !names.includes(layer)) throw new CompileError('config', { code: 'unknown-layer', where: ['--layer'], what: `there is no layer '${layer}'.`, mend: didYouMean(layer, names) });
  terminal.print(textExplanation(explanation, process.stdout.columns ?? 120, layer));
  terminal.event(asEvent(explanation));
  return 0;
}

/** Values as plain lists. */
function asEvent({ event, count, file, layers, outputs }: Explanation): Readonly<Record<string, unknown>> {
  const list = (values: Float64Array | undefined): readonly number[] | undefined => (values === undefined ? undefined : [...values]);
  return {
    event: 'explanation', number: event, events: count, file,
    layers: layers.map((layer) => ({ ...layer, fixed: list(layer.fixed), exact: list(layer.exact), float: list(layer.float) })),
    outputs: outputs.map((output) => ({ ...output, fixed: list(output.fixed), float: list(output.float) })),
  };
}
