/**
 * Trigforge as a library: the recipe of the command, with options under the same names.
 *
 * ```ts
 * import { compile, writeFolder } from 'trigforge';
 *
 * const { report, files } = await compile({ model: 'model.onnx', clock: '320MHz', latency: '50ns' });
 * console.log(report.verdict);
 * writeFolder('build/model', files);
 * ```
 *
 * @packageDocumentation
 */
export { compile, emulate, inspect, writeFolder } from './cli/library.js';
export type { CompileSettings } from './cli/library.js';
export type { CompileResult } from './compile.js';
export type { CompileHooks } from './compile/request.js';
export type { OutputFile } from './backends/backend.js';
export type { ModelSummary } from './compile/inspect.js';
export { CompileError } from './errors.js';
export type { ErrorKind, Problem } from './errors.js';
export type { NamedArray } from './io/arrays.js';
export { readArrays } from './io/arrays.js';
export type { Report, ReportArea, ReportLayer, ReportPort } from './report/schema.js';
