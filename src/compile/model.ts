import { CompileError } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { parseFixedType } from '../fixed/fixedType.js';
import type { ModelSource } from '../frontends/frontend.js';
import { parseModel } from '../frontends/registry.js';
import { matchArrays } from '../io/arrays.js';
import type { ForestParams } from '../layers/forest.js';
import { withoutMissing } from '../layers/forest.js';
import { catalogue } from '../layers/registry.js';
import type { ModelGraph } from '../model/graph.js';
import { applyInputTypes } from '../quantize/inputTypes.js';
import { applyPrecision } from '../quantize/applyPrecision.js';
import type { TypeStatement } from '../quantize/grow.js';
import { growTypes } from '../quantize/grow.js';
import { parsePrecisionConfig } from '../quantize/precisionConfig.js';
import type { CompileRequest } from './request.js';

/** A model whose every value has a type. */
export interface TypedModel {
  readonly graph: ModelGraph;
  readonly statements: readonly TypeStatement[];
}

/** Bytes to graph; what the frontend cannot read it lists all at once. */
export function readModel(source: ModelSource, readSide: CompileRequest['readSide']): ModelGraph {
  return parseModel(source, { catalogue, readSide });
}

/** Types from the options, the precision file, the model itself, and for the rest grown so that nothing can overflow. */
export function typeModel(given: ModelGraph, request: Pick<CompileRequest, 'precision' | 'inputType' | 'data' | 'scoreType' | 'neverMissing'>): TypedModel {
  const model = request.neverMissing === true ? ignoreMissing(given) : given;
  const config = request.precision === undefined ? undefined : parsePrecisionConfig(request.precision.text, request.precision.file);
  const configured = config === undefined ? model : applyPrecision(model, config, catalogue);
  const wired = applyInputTypes(
    configured,
    { ...(request.inputType === undefined ? {} : { inputType: request.inputType }), ...(request.data === undefined ? {} : { data: dataByInput(model, request.data) }) },
    catalogue,
  );
  const scoreType = request.scoreType === undefined ? undefined : scoreTypeOf(request.scoreType);
  return growTypes(wired, scoreType === undefined ? {} : { scoreType }, catalogue);
}
function ignoreMissing(model: ModelGraph): ModelGraph {
  const nodes = model.nodes.map((node) => (node.kind === 'forest' ? { ...node, params: withoutMissing(node.params as ForestParams) } : node));
  return { ...model, nodes };
}

function scoreTypeOf(text: string): FixedType {
  const type = parseFixedType(text);
  if (typeof type === 'string') throw new CompileError('config', { code: 'bad-type', where: ['--score-type'], what: `${type}.` });
  return type;
}

function dataByInput(model: ModelGraph, data: NonNullable<CompileRequest['data']>): ReadonlyMap<string, Float64Array> {
  const ports = model.inputs.map((input) => ({ name: input.name, shape: input.shape.slice(1) }));
  const { inputs } = matchArrays(data.arrays, ports, data.file);
  return new Map(ports.map((port, i) => [port.name, inputs[i] as Float64Array]));
}
