import { compareFolder } from '../../compile/compareFolder.js';
import { openFolder } from '../../compile/folder.js';
import type { PatternFormat } from '../../io/patterns/pattern.js';
import { folderSource, readEvents, readInputFile } from '../files.js';
import type { Terminal } from '../terminal.js';

export interface CompareCommandOptions {
  readonly out: string;
  readonly capture: string;
  readonly format?: PatternFormat;
  readonly inputs?: string;
  readonly links?: readonly number[];
}

/** `compare OUT CAPTURE`: what a board or simulator gave against the emulator; exit code 3 by the error it throws. */
export function compareCommand({ out, capture, format, inputs, links }: CompareCommandOptions, terminal: Terminal): number {
  const text = (path: string, what: string): { readonly text: string; readonly file: string } => ({ text: new TextDecoder().decode(readInputFile(path, what)), file: path });
  const result = compareFolder(openFolder(folderSource(out)), {
    capture: text(capture, 'a capture'),
    ...(format === undefined ? {} : { format }),
    ...(links === undefined ? {} : { links }),
    ...(inputs === undefined ? {} : { inputs: /\.(npy|npz|csv)$/i.test(inputs) ? readEvents(inputs) : text(inputs, 'a pattern file') }),
  });
  for (const warning of result.warnings) terminal.warn(warning);
  const { format: found, events, outOf, mismatches, latencyFrames, firstEvent, first } = result;
  terminal.event({ event: 'compared', capture, format: found, events, outOf, firstEvent, mismatches, latencyFrames: latencyFrames[0], ...(first === undefined ? {} : { first: { ...first, expected: String(first.expected), got: String(first.got) } }) });
  if (result.failure !== undefined) throw result.failure;
  terminal.print(`AGREES  ${capture} (${found}): ${events} of ${outOf} events, every bit; latency ${latencyFrames[0]} frames (the core's own: ${result.latencyCycles} cycles)`);
  return 0;
}
