import type { TensorRef } from '../../network.js';
import { stageOf } from '../float32Stage.js';
import type { Json } from '../json.js';
import { ConfigReader } from '../json.js';
import type { ActivationHandler, ActivationTable, KerasContext } from '../layer.js';
import { quantiseActivations, quantiseStage } from './activation.js';
import type { Quantiser } from './quantiser.js';
import { parseQuantiser, quantiserNames } from './quantiser.js';

/** Names that QKeras and Keras give different meanings: QKeras' only inside its own layers. */
const KERAS_OWN: ReadonlySet<string> = new Set(['binary_tanh', 'hard_sigmoid', 'hard_tanh']);

/** Quantises a tensor; together with the float32 stage it comes from, where there is one. */
export function applyQuantiser(quantiser: Quantiser, x: TensorRef, name: string, context: KerasContext, where: readonly string[]): TensorRef {
  const stage = stageOf(x);
  const joint = stage === undefined ? undefined : quantiseStage(context, quantiser, stage, name);
  return joint ?? quantiseActivations(context, quantiser, x, name, where);
}

/** An activation as a QKeras layer means it: a name that Keras has too is QKeras' own. */
export function ownSpecification(specification: Json): Json {
  return typeof specification === 'string' && KERAS_OWN.has(specification.trim()) ? `qkeras>${specification.trim()}` : specification;
}

function handlerOf(name: string): ActivationHandler {
  return (config, x, label, context) => {
    const specification: Json = config.has('text') ? config.json('text') : { class_name: name, config: config.fields };
    return applyQuantiser(parseQuantiser(specification, config.where) as Quantiser, x, label, context, config.where);
  };
}

/** Quantisers wherever an activation may stand: in QActivation, and as the activation of any layer. */
export const qkerasActivations: ActivationTable = Object.fromEntries(
  quantiserNames.map((name) => [KERAS_OWN.has(name) ? `qkeras>${name}` : name, handlerOf(name)]),
);

/** The quantiser in a field of a layer's configuration; undefined where it is null or missing. */
export function quantiserField(config: ConfigReader, field: string): Quantiser | undefined {
  return parseQuantiser(config.json(field), [...config.where, field]);
}

/** A configuration with some fields replaced. */
export function withFields(config: ConfigReader, fields: Readonly<Record<string, Json>>): ConfigReader {
  return new ConfigReader({ ...config.fields, ...fields }, config.where);
}
