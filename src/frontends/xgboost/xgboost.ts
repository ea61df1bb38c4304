import { CompileError } from '../../errors.js';
import type { ModelGraph, OutputLink } from '../../model/graph.js';
import type { Fail } from '../forest/forestGraph.js';
import { failIn, forestGraph, MAX_FOREST_EDGE, singleLayerGraph } from '../forest/forestGraph.js';
import type { Frontend, FrontendContext, ModelSource } from '../frontend.js';
import { checkSchema, headText, parseJsonSource } from '../jsonText.js';
import type { BoosterJson } from './schema.js';
import { boosterFileSchema } from './schema.js';
import { forestParams } from './trees.js';
import { parseUbj } from './ubj.js';

/**
 * XGBoost's JSON model (`booster.save_model('model.json')`), versions 0.9 to 3: gbtree, dart and gblinear.
 * The output is the margin, before any link function.
 */
export const xgboostJsonFrontend: Frontend = {
  name: 'xgboost-json',
  summary: 'XGBoost models saved as .json',
  detects: (source) => {
    const head = headText(source);
    if (!/^\s*\{/.test(head) || /^\s*\{\s*"trigforge"/.test(head)) return 0;
    if (/"learner"\s*:/.test(head)) return 0.9;
    // Keys come in any order, and `version` may stand before a long learner.
    return /^\s*\{\s*"version"\s*:\s*\[\s*\d+\s*,/.test(head) ? 0.7 : 0;
  },
  parse: (source, context) => boosterGraph(source, context, 'xgboost-json', parseJsonSource(source)),
};

/** The same model in UBJSON, XGBoost's default from version 2.1 on; its old binary form is recognised and refused. */
export const xgboostUbjFrontend: Frontend = {
  name: 'xgboost-ubj',
  summary: 'XGBoost models saved as .ubj',
  detects: (source) => {
    const { bytes } = source;
    if (isOldBinary(bytes)) return 0.9;
    if (bytes[0] !== 0x7b || !'iUIlL#$'.includes(String.fromCharCode(bytes[1] ?? 0))) return 0;
    return /learner/.test(headText(source, 200)) ? 0.9 : /version/.test(headText(source, 32)) ? 0.7 : 0.1;
  },
  parse: (source, context) => {
    if (!isOldBinary(source.bytes)) return boosterGraph(source, context, 'xgboost-ubj', parseUbj(source.bytes, source.name));
    throw new CompileError('unsupported', {
      code: 'xgboost-binary',
      where: [source.name],
      what: "is in XGBoost's old binary format, which XGBoost itself no longer reads.",
      mend: "Load it with XGBoost 1.x or 2.x and save it again: booster.save_model('model.json').",
    });
  },
};

/** A struct of 136 bytes, then the names of objective and booster, each behind its length; some files begin with `binf`. */
function isOldBinary(bytes: Uint8Array): boolean {
  const start = String.fromCharCode(...bytes.subarray(0, 4)) === 'binf' ? 4 : 0;
  const at = start + 136;
  const length = bytes[at] ?? 0;
  if (length === 0 || length > 40 || bytes.length < at + 8 + length || bytes.subarray(at + 1, at + 8).some((byte) => byte !== 0)) return false;
  return /^(binary|multi|reg|rank|count|survival):[a-z0-9]+$/.test(String.fromCharCode(...bytes.subarray(at + 8, at + 8 + length)));
}

interface Objective {
  /** How the base score becomes a margin (XGBoost: ObjFunction::ProbToMargin). */
  readonly base: 'logit' | 'log' | 'identity';
  readonly link?: OutputLink;
}

const OBJECTIVES: ReadonlyMap<string, Objective> = new Map<string, Objective>([
  ...['binary:logistic', 'reg:logistic'].map((name): [string, Objective] => [name, { base: 'logit', link: { function: 'sigmoid' } }]),
  ['binary:logitraw', { base: 'logit' }],
  ...['count:poisson', 'reg:gamma', 'reg:tweedie', 'survival:cox', 'survival:aft'].map((name): [string, Objective] => [name, { base: 'log', link: { function: 'exp' } }]),
  ...['multi:softmax', 'multi:softprob'].map((name): [string, Objective] => [name, { base: 'identity', link: { function: 'softmax' } }]),
  ...[
    'binary:hinge', 'reg:squarederror', 'reg:linear', 'reg:squaredlogerror', 'reg:absoluteerror', 'reg:pseudohubererror',
    'reg:quantileerror', 'reg:expectileerror', 'rank:pairwise', 'rank:ndcg', 'rank:map',
  ].map((name): [string, Objective] => [name, { base: 'identity' }]),
]);

function boosterGraph(source: ModelSource, context: FrontendContext, format: string, value: unknown): ModelGraph {
  const json = checkSchema<BoosterJson>(boosterFileSchema, value, [source.name]);
  const fail = failIn(source);
  const { gradient_booster: booster, learner_model_param: param } = json.learner;
  const nFeatures = param.num_feature;
  if (nFeatures < 1) fail('input', 'bad-field', 'num_feature', 'the model has no features.');
  const nOutputs = Math.max(1, param.num_class, param.num_target ?? 1);
  if (nOutputs > MAX_FOREST_EDGE || nFeatures > MAX_FOREST_EDGE) fail('unsupported', 'too-large', 'learner_model_param', `${nFeatures} features and ${nOutputs} outputs; at most ${MAX_FOREST_EDGE} of each are supported.`);
  const name = json.learner.objective.name;
  const objective = OBJECTIVES.get(name) ?? fail('unsupported', 'objective', 'objective', `'${name}' is not supported; ${[...OBJECTIVES.keys()].join(', ')} are.`);
  const base = baseMargins(param.base_score, name, objective, nOutputs, fail);
  if (booster.name === 'gblinear') return linearGraph(source, context, format, booster.model.weights, nFeatures, base, objective.link, fail);
  const gbtree = booster.name === 'dart' ? booster.gbtree : booster;
  const drop = booster.name === 'dart' ? booster.weight_drop : undefined;
  return forestGraph(source, context, format, forestParams(gbtree.model, drop, nFeatures, base, fail), objective.link);
}

/** base_score as one number, a text, or (version 3) a text with one number a class; brought to the margin in float32. */
function baseMargins(given: BoosterJson['learner']['learner_model_param']['base_score'], name: string, { base }: Objective, nOutputs: number, fail: Fail): readonly number[] {
  const texts = typeof given === 'string' ? given.trim().replace(/^\[|\]$/g, '').split(',') : typeof given === 'number' ? [given] : given;
  const scores = texts.map((text) => (typeof text === 'number' ? text : text.trim() === '' ? NaN : Number(text)));
  if (scores.some((score) => !Number.isFinite(score)) || (scores.length !== 1 && scores.length !== nOutputs)) {
    fail('input', 'bad-field', 'base_score', `'${String(given).slice(0, 60)}' is neither one number nor ${nOutputs}.`);
  }
  return Array.from({ length: nOutputs }, (_, i) => {
    const score = Math.fround(scores[scores.length === 1 ? 0 : i] as number);
    const margin = base === 'identity' ? score : base === 'log' ? Math.fround(Math.log(score)) : -Math.fround(Math.log(Math.fround(Math.fround(1 / score) - 1)));
    if (!Number.isFinite(margin)) fail('input', 'bad-field', 'base_score', `${score} has no margin under ${name}.`);
    return margin + 0;
  });
}

/** gblinear: weights `[nFeatures + 1, nOutputs]`, the last row being the bias. */
function linearGraph(source: ModelSource, context: FrontendContext, format: string, weights: readonly number[], nFeatures: number, base: readonly number[], link: OutputLink | undefined, fail: Fail): ModelGraph {
  const nOutputs = base.length;
  if (weights.length !== (nFeatures + 1) * nOutputs) fail('input', 'bad-field', 'weights', `has ${weights.length} numbers; ${nFeatures} features and ${nOutputs} outputs need ${(nFeatures + 1) * nOutputs}.`);
  const values = Float64Array.from(weights, (n) => Math.fround(n) + 0);
  const split = nFeatures * nOutputs;
  const params = {
    weight: { shape: [nFeatures, nOutputs], data: values.slice(0, split) },
    bias: { shape: [nOutputs], data: values.slice(split).map((n, i) => Math.fround(n + (base[i] as number))) },
  };
  return singleLayerGraph(source, context, { format, kind: 'dense', params, nFeatures, nOutputs, parameters: values.length, ...(link && { link }) });
}
