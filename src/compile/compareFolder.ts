import { elementCount, typeOfElement } from '../circuit/circuit.js';
import { compileEmulator } from '../emulator/emulator.js';
import { CompileError } from '../errors.js';
import { fractionBits } from '../fixed/fixedType.js';
import type { Int } from '../fixed/integer.js';
import { fromBigInt, toNumber } from '../fixed/integer.js';
import { readPattern } from '../io/patterns/formats.js';
import type { PatternFormat } from '../io/patterns/pattern.js';
import type { CaptureComparison, CaptureDifference } from '../verify/capture.js';
import { compareCapture } from '../verify/capture.js';
import type { RawEvent } from '../verify/dut.js';
import type { LinkMaps } from '../verify/patternFiles.js';
import type { Events } from './emulate.js';
import type { CompiledFolder } from './folder.js';
import { busPorts, checkWordBits, hasEvents, layoutOf, patternEvents } from './folderEvents.js';
import { userEvents } from './prove.js';

export interface FolderComparison extends CaptureComparison {
  readonly format: PatternFormat;
  readonly outOf: number;
  readonly latencyCycles: number;
  readonly warnings: readonly string[];
  /** What differs; absent if all agrees. */
  readonly failure: CompileError | undefined;
}

export interface CompareOptions {
  /** The text of the capture and its name. */
  readonly capture: { readonly text: string; readonly file: string };
  readonly format?: PatternFormat;
  /** The events that went in, where they are not those of the folder: arrays, or the text of a pattern file. */
  readonly inputs?: Events | { readonly text: string; readonly file: string };
  /** Links of the capture that hold the outputs, instead of the layout's. */
  readonly links?: readonly number[];
}

/**
 * A hardware or simulator capture against the emulator of an output folder: the format by its content, the latency by
 * where most frames agree.
 *
 * @throws CompileError (`input`) for a capture that cannot be compared; what differs is data in `failure`
 */
export function compareFolder(folder: CompiledFolder, { capture, format, inputs, links }: CompareOptions): FolderComparison {
  const { circuit, report } = folder;
  const ports = busPorts(folder);
  const { maps, names: elementNames } = layoutOf(folder);
  const map = links === undefined ? maps.outputs : { ...maps.outputs, links };
  if (map.links.length !== maps.outputs.links.length) {
    throw new CompileError('config', { code: 'bad-option', where: ['--links'], what: `names ${map.links.length} ${map.links.length === 1 ? 'link' : 'links'}, and the outputs are on ${maps.outputs.links.length}.` });
  }
  const given = eventsOf(folder, inputs, maps);
  const expected = compileEmulator(circuit).runRawBatch(given.events as Int[][][]);
  const pattern = readPattern(capture.text, capture.file, format);
  checkWordBits(pattern, map, capture.file);
  const result = compareCapture({ ports: ports.outputs, map, inputInterval: maps.inputs.interval, expected, file: capture.file }, pattern);
  const warnings = [...given.warnings, ...remarks(result, expected.length)];
  const failure = result.first === undefined ? undefined : differenceError(folder, result, result.first, elementNames, capture.file);
  return { ...result, format: pattern.format, outOf: expected.length, latencyCycles: report.latency.cycles, warnings, failure };
}

function eventsOf(folder: CompiledFolder, inputs: CompareOptions['inputs'], maps: LinkMaps): { readonly events: readonly RawEvent[]; readonly warnings: readonly string[] } {
  if (inputs !== undefined && 'arrays' in inputs) {
    const { events, warnings } = userEvents(folder.circuit, folder.inputs, inputs);
    return { events, warnings: warnings.map(({ what }) => what) };
  }
  if (inputs === undefined && !hasEvents(folder)) {
    throw new CompileError('input', { code: 'no-patterns', where: [folder.source.path], what: 'holds no patterns: it was compiled with --verify none.', mend: 'Pass --inputs with the events that went in.' });
  }
  return { events: patternEvents(folder, maps, inputs), warnings: [] };
}

/** What a user should hear about a latency that was found. */
function remarks({ latencyFrames: [least, most], alternatives, events, firstEvent }: CaptureComparison, outOf: number): string[] {
  return [
    ...(alternatives > 0 ? [`${alternatives} other ${alternatives === 1 ? 'latency agrees' : 'latencies agree'} as well: results that differ more from each other would tell which it is.`] : []),
    ...(least === most ? [] : [`results are not spaced as events are: the latency is ${least} to ${most} frames.`]),
    ...(events < outOf ? [`the capture holds ${events} of ${outOf} events, from event ${firstEvent} on.`] : []),
  ];
}

function differenceError({ circuit }: CompiledFolder, result: CaptureComparison, first: CaptureDifference, names: ReadonlyMap<string, readonly string[]>, file: string): CompileError {
  const port = circuit.outputs[first.port] as (typeof circuit.outputs)[number];
  const type = typeOfElement(port, first.element);
  const name = names.get(port.name)?.[first.element];
  const shown = (n: bigint): string => `${type.width}'h${BigInt.asUintN(type.width, n).toString(16).padStart(Math.ceil(type.width / 4), '0')} (${toNumber(fromBigInt(n), -fractionBits(type))})`;
  const element = elementCount(port) === 1 ? port.name : `${port.name}[${first.element}]`;
  const share = `${result.mismatches} of ${result.events} events differ`;
  const latency = result.certain
    ? `Latency ${result.latencyFrames[0]} frames; ${share}.`
    : `At no latency do most bits agree; at the best one, ${result.latencyFrames[0]} frames, ${share}.`;
  return new CompileError('verification', {
    code: 'capture-mismatch', where: [file],
    what: `event ${first.event}, ${element}${name === undefined || name === element ? '' : ` (${name})`} should be ${shown(first.expected)}, is ${shown(first.got)}, in frame ${first.frame} on link ${first.link}. ${latency}`,
    mend: result.certain ? 'Look at the build, the clock, and what stands around the core, if the Verilog is proven.' : 'Check that these events went in, and that the links and the packing are those of testbench/patterns/layout.json.',
  });
}
