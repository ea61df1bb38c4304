import type { CompileRequest } from '../compile/request.js';
import { openModel, readEvents, readInputFile, sideFilesOf } from './files.js';
import type { CompileOptions } from './options.js';
import { toolVersion } from './version.js';

/** What to compile, with the contents of all files that the options name; `words` are those that give it again. */
export function requestOf(options: CompileOptions, words: readonly string[]): CompileRequest {
  const text = (path: string, what: string): string => new TextDecoder().decode(readInputFile(path, what));
  const { clockMHz, latency, part, modelVersion, verify, seed, jobs, effort, targets } = options;
  const clockText = `${Math.round(clockMHz * 1000) / 1000} MHz`;
  const stated = options.statedLatency === undefined ? { text: clockText } : { text: `${options.statedLatency.text} at ${clockText}`, latencyNs: options.statedLatency.ns };
  return {
    model: openModel(options.model, options.weights),
    readSide: sideFilesOf(options.model),
    clockMHz, latency, stated, part, modelVersion, verify, seed, jobs, effort, targets,
    command: ['compile-model', ...words],
    toolVersion: toolVersion(),
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.maxLut === undefined ? {} : { maxLut: options.maxLut }),
    ...(options.synth ? { synth: true } : {}),
    ...(options.primitives === undefined ? {} : { primitives: options.primitives }),
    ...(options.precision === undefined ? {} : { precision: { text: text(options.precision, 'a precision file'), file: options.precision } }),
    ...(options.ioSchema === undefined ? {} : { ioSchema: { text: text(options.ioSchema, 'an I/O schema'), file: options.ioSchema } }),
    ...(options.inputType === undefined ? {} : { inputType: options.inputType }),
    ...(options.scoreType === undefined ? {} : { scoreType: options.scoreType }),
    ...(options.head === undefined ? {} : { head: options.head }),
    ...(options.missing === undefined ? {} : { missing: options.missing }),
    ...(options.dumpAfter === undefined ? {} : { dumpAfter: options.dumpAfter }),
    ...(options.data === undefined ? {} : { data: readEvents(options.data) }),
    ...(options.labels === undefined ? {} : { labels: readEvents(options.labels) }),
    ...(options.metric === undefined ? {} : { metric: options.metric }),
    ...(options.maxLoss === undefined ? {} : { maxLoss: options.maxLoss }),
    ...(options.vectors === undefined ? {} : { vectors: readEvents(options.vectors) }),
  };
}
