import { CompileError } from '../../errors.js';
import { isZip } from '../../io/zip.js';
import type { ModelGraph } from '../../model/graph.js';
import type { Frontend, FrontendContext, ModelSource } from '../frontend.js';
import { modelName } from '../frontend.js';
import { GraphBuilder } from '../onnx/builder.js';
import { finishGraph } from '../onnx/finish.js';
import { TensorReader } from '../onnx/tensors.js';
import type { Value } from '../onnx/values.js';
import { describeValue, modelShape } from '../onnx/values.js';
import { applyModule, leavesOf, TorchModule } from './modules.js';
import { Operators } from './operators.js';
import type { PickleObject } from './pickle.js';
import { parseProgramWith } from './pt2.js';
import type { TorchSave } from './save.js';
import { isObject, readTorchSave } from './save.js';

/** torch.save's files: a whole module, or a state_dict beside its program. */
export const ptFrontend: Frontend = {
  name: 'pt',
  summary: 'PyTorch modules saved whole by torch.save (.pt): Sequential of stock modules; a state_dict beside its .pt2',
  detects: (source) => (isTorchSave(source.bytes) ? 0.8 : 0),
  parse: (source, context) => {
    const save = readTorchSave(source.bytes, [source.name]);
    if (isObject(save.root) && save.root.of.startsWith('torch.nn.modules.')) return parseModule(source, context, save, save.root);
    if (save.tensors.size > 0) return parseStateDict(source, context, save);
    throw new CompileError('unsupported', {
      code: 'no-model',
      where: [source.name],
      what: 'is a file of torch.save that holds neither a module nor a state_dict.',
      mend: EXPORT,
    });
  },
};

const EXPORT = 'Save the model with torch.export.save(torch.export.export(model.eval(), (example,)), \'model.pt2\'), or as ONNX.';

/** A zip with a data.pkl, or the magic number of the older layout (a pickle of protocol 2). */
function isTorchSave(bytes: Uint8Array): boolean {
  if (!isZip(bytes)) return bytes[0] === 0x80 && bytes[1] === 2 && bytes[2] === 0x8a && bytes[3] === 10;
  return new TextDecoder('latin1').decode(bytes.subarray(Math.max(0, bytes.length - 2 ** 20))).includes('data.pkl');
}

/** Weights alone: how they are joined is nowhere in the file, unless its program lies beside it. */
function parseStateDict(source: ModelSource, context: FrontendContext, save: TorchSave): ModelGraph {
  for (const beside of [`${modelName(source)}.pt2`, 'model.pt2']) {
    const bytes = context.readSide(beside);
    if (bytes !== undefined) return { ...parseProgramWith({ name: beside, bytes }, context, save), name: modelName(source), format: 'pt' };
  }
  const shapes = [...save.tensors].slice(0, 8).map(([name, { shape }]) => `${name.slice(0, 100)} [${shape.join(', ')}]`);
  const more = save.tensors.size > 8 ? ` and ${save.tensors.size - 8} more` : '';
  throw new CompileError('unsupported', {
    code: 'state-dict',
    where: [source.name],
    what: `is a state_dict: weights (${shapes.join(', ')}${more}) without the computation that uses them; which activations lie between them is nowhere in the file.`,
    mend: `${EXPORT} With that file beside it as model.pt2, a state_dict is read too.`,
  });
}

/** A chain of stock modules. */
function parseModule(source: ModelSource, context: FrontendContext, save: TorchSave, root: PickleObject): ModelGraph {
  const leaves = leavesOf(new TorchModule(root, ''), source.name);
  const width = inputWidth(leaves, save, source.name);
  const builder = new GraphBuilder(context.catalogue, new TensorReader(source.name, context), source.name, false, undefined);
  const operators = new Operators(builder, source.name);
  const shape = [1, width];
  builder.reserveTensor('input');
  let x: Value = { kind: 'variable', tensor: 'input', shape, integer: false };
  for (const leaf of leaves) x = applyModule(leaf, x, operators, save, source.name);
  if (x.kind !== 'variable') throw new CompileError('unsupported', { code: 'constant-output', where: [source.name], what: `its output ${describeValue(x)}.` });
  return finishGraph(builder, [{ name: 'input', shape }], [{ name: 'output', tensor: x.tensor, shape: modelShape(x.shape) }], { name: modelName(source), format: 'pt' });
}

/** The width of the input, which the first module with weights says, if it is one over features. */
function inputWidth(leaves: readonly TorchModule[], save: TorchSave, fileName: string): number {
  const first = leaves.find((leaf) => leaf.stored('weight') !== undefined || leaf.stored('running_mean') !== undefined);
  const stored = first === undefined ? undefined : save.tensorOf(first.stored('weight') ?? first.stored('running_mean') ?? null);
  const name = first?.className ?? '';
  const width = name === 'Linear' ? stored?.shape[1] : name === 'BatchNorm1d' || name === 'LayerNorm' ? stored?.shape[0] : undefined;
  if (width !== undefined && stored?.shape.length === (name === 'Linear' ? 2 : 1)) return width;
  throw new CompileError('unsupported', {
    code: 'open-shape',
    where: [fileName, first?.path ?? ''],
    what: `the pickle does not say which shape the input has: its first module with weights is ${name === '' ? 'missing' : `a ${name}`}; a Linear, BatchNorm1d or LayerNorm over features says it.`,
    mend: EXPORT,
  });
}
