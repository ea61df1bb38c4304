import { CompileError } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { parseFixedType } from '../fixed/fixedType.js';
import type { ModelSource } from '../frontends/frontend.js';
import { parseModel } from '../frontends/registry.js';
import { matchArrays } from '../io/arrays.js';
import { catalogue } from '../layers/registry.js';
import type { ModelGraph } from '../model/graph.js';
import { applyInputTypes } from '../quantize/inputTypes.js';
import { codeMissing, flagMissing, ignoreMissing, missingMode } from '../quantize/missing.js';
import { applyPrecision } from '../quantize/applyPrecision.js';
import { carryScales } from '../quantize/carryScales.js';
import type { GrownGraph } from '../quantize/grow.js';
import { growTypes } from '../quantize/grow.js';
import { parsePrecisionConfig } from '../quantize/precisionConfig.js';
import type { SearchResult } from '../quantize/search/search.js';
import type { Evaluation } from './precision.js';
import { quickCost } from './quickCost.js';
import { arrayPorts } from './arrayPorts.js';
import { fitForestModel } from './fitForestModel.js';
import { fitLeaves } from './fitLeaves.js';
import { evaluationOf, searchTypes } from './precision.js';
import type { CompileHooks, CompileRequest } from './request.js';
import { deviceOf } from '../timing/device.js';

/** A model whose every value has a type. */
export interface TypedModel extends GrownGraph {
  /** The user's events, where there are any. */
  readonly evaluation?: Evaluation;
  /** Where widths were searched. */
  readonly search?: SearchResult;
}

type TypeRequest = Pick<CompileRequest, 'precision' | 'inputType' | 'data' | 'labels' | 'metric' | 'maxLoss' | 'scoreType' | 'missing' | 'effort' | 'part'>;

/** Bytes to graph; what the frontend cannot read it lists all at once. */
export function readModel(source: ModelSource, readSide: CompileRequest['readSide']): ModelGraph {
  return parseModel(source, { catalogue, readSide });
}

/**
 * Types from the options, the precision file, the model itself; for the rest searched on `--data`, or grown so that
 * nothing can overflow.
 */
export async function typeModel(given: ModelGraph, request: TypeRequest, hooks: CompileHooks): Promise<TypedModel> {
  const mode = missingMode(given, request.missing);
  const model = mode === 'none' ? ignoreMissing(given) : mode === 'flag' ? flagMissing(given, catalogue) : given;
  const config = request.precision === undefined ? undefined : parsePrecisionConfig(request.precision.text, request.precision.file);
  const configured = config === undefined ? model : applyPrecision(model, config, catalogue);
  // Forests have no widths but their leaves': those are grown.
  const searchable = !model.nodes.some((node) => node.kind === 'forest');
  const fitsForest = !searchable && request.data !== undefined && (request.maxLoss ?? 0) > 0;
  const evaluation = searchable ? evaluationOf(model, request) : undefined;
  const typed = applyInputTypes(
    configured,
    {
      ...(request.inputType === undefined ? {} : { inputType: request.inputType }),
      ...(request.data === undefined ? {} : { data: dataByInput(model, request.data) }),
      reserveCode: mode === 'code',
      leaveOpen: evaluation !== undefined,
    },
    catalogue,
  );
  const wired = withCheaperScales(mode === 'code' ? codeMissing(typed, catalogue) : typed, request);
  const leaves = !searchable && request.data !== undefined && request.scoreType === undefined && (request.maxLoss ?? 0) === 0 ? fitLeaves(given, wired, request) : undefined;
  if (leaves !== undefined) {
    const grown = growTypes(wired, { scoreType: leaves.scoreType }, catalogue);
    const statements = grown.statements.map((statement) => (statement.layer === leaves.layer ? { ...statement, text: `${leaves.text}; ${statement.text}` } : statement));
    return { ...grown, statements };
  }
  if (fitsForest) {
    const fitted = fitForestModel(wired, request, hooks);
    const grown = growTypes(fitted.graph, {}, catalogue);
    const statements = grown.statements.map((statement) => (statement.layer === fitted.layer ? { ...statement, text: fitted.text } : statement));
    // Behind a class or decision there are no scores to judge.
    const own = model.nodes.length === 1 ? evaluationOf(model, request) : undefined;
    return { ...grown, statements, ...(own === undefined ? {} : { evaluation: own }) };
  }
  const grow = request.scoreType === undefined ? {} : { scoreType: scoreTypeOf(request.scoreType) };
  const grown = wired.inputs.every((input) => input.type !== undefined) ? growTypes(wired, grow, catalogue) : undefined;
  if (evaluation === undefined) return grown as GrownGraph;
  const isOpen = grown === undefined || grown.statements.some((statement) => statement.source === 'auto');
  if (!isOpen) return { ...grown, evaluation };
  const search = await searchTypes(wired, evaluation, grow, request, hooks);
  return { ...search.best.grown, evaluation, search };
}

/** Larger models are not lowered twice to compare. */
const MOST_COMPARED = 2 ** 16;

/** The model's float scales carried past its sums of whole numbers, which is exact, unless that costs more. */
function withCheaperScales(graph: ModelGraph, { part }: Pick<CompileRequest, 'part'>): ModelGraph {
  const carried = carryScales(graph);
  if (carried === graph || graph.parameters > MOST_COMPARED || graph.inputs.some((input) => input.type === undefined)) return carried;
  const cost = (model: ModelGraph): number => quickCost(growTypes(model, {}, catalogue).graph, deviceOf(part));
  return cost(carried) <= cost(graph) ? carried : graph;
}

function scoreTypeOf(text: string): FixedType {
  const type = parseFixedType(text);
  if (typeof type === 'string') throw new CompileError('config', { code: 'bad-type', where: ['--score-type'], what: `${type}.` });
  return type;
}

function dataByInput(model: ModelGraph, data: NonNullable<CompileRequest['data']>): ReadonlyMap<string, Float64Array> {
  const ports = arrayPorts(model);
  const { inputs } = matchArrays(data.arrays, ports, data.file);
  return new Map(ports.map((port, i) => [port.name, inputs[i] as Float64Array]));
}
