import { tensor } from '../../model/tensor.js';
import type { TensorRef } from '../network.js';
import type { Handler, LayerCall } from './project.js';

/** The permutation that a config struct of hls4ml's transpose writes: `<config>_from_shape` and `<config>_perm`. */
export function permuted(at: LayerCall, x: TensorRef, config: string, name: string): TensorRef {
  const { project } = at;
  const [from, perm] = ['from_shape', 'perm'].map((field) => project.definitions.array(`${config}_${field}`));
  if (from === undefined || perm === undefined) return project.fail('unsupported', at.name, 'transpose', 'its shapes are not where hls4ml 1.1 and later write them.', 'Write the project again with a newer hls4ml.');
  return project.net.add('transpose', { perm: [0, ...perm.map((axis) => axis + 1)] }, [project.shaped(x, from, name)], name);
}

/** Sizes of an einsum in hls4ml's order: shared, free of either side, summed. */
function sizes(at: LayerCall, first: string, second: string): readonly [shared: number, first: number, second: number, summed: number] {
  const { project } = at;
  return [project.number(at, 'n_inplace'), project.number(at, first), project.number(at, second), project.number(at, 'n_contract')];
}

/** What the struct calls its own transposes. */
function structOf(at: LayerCall, field: string): string {
  return at.config.types.get(field) ?? at.project.fail('input', at.name, 'missing-field', `its config struct has no ${field}.`, 'Give the project folder as hls4ml wrote it.');
}

/** `einsum<data0, data1, res, config>(a, b, res)`: both brought to [shared, free, summed], multiplied, and back. */
export const einsum: Handler = (at) => {
  const { project, call, name } = at;
  const [shared, free0, free1, summed] = sizes(at, 'n_free0', 'n_free1');
  const [a, b] = at.inputs.map((x, i) => permuted(at, x, structOf(at, `tpose_inp${i}_config`), `${name}/input${i}`)) as [TensorRef, TensorRef];
  const left = project.shaped(a, [shared, free0, summed], `${name}/left`);
  const right = project.net.add('transpose', { perm: [0, 1, 3, 2] }, [project.shaped(b, [shared, free1, summed], `${name}/right`)], `${name}/right`);
  const product = project.net.add('matmul', {}, [left, right], name, project.precision(at, call.types[2]));
  return permuted(at, product, structOf(at, 'tpose_out_conf'), `${name}/output`);
};

/** `einsum_dense<data, res, config>(data, res, w, b)`: a matrix for every shared index, a bias for every output. */
export const einsumDense: Handler = (at) => {
  const { project, call, name } = at;
  const inner = project.definitions.config(at.config.types.get('dense_conf') ?? '');
  if (inner === undefined || call.args.length !== 4) return project.fail('unsupported', name, 'distributed-arithmetic', 'its matrix is generated code of distributed arithmetic.', 'Give the trained model instead.');
  const [shared, rows, nOut, nIn] = sizes(at, 'n_free_data', 'n_free_kernel');
  const weights = project.weights(call.args[2], [shared, nIn, nOut], name);
  const biases = project.weights(call.args[3], [shared, rows, nOut], name);
  const x = project.shaped(permuted(at, at.inputs[0] as TensorRef, structOf(at, 'tpose_inp_conf'), `${name}/input`), [shared, rows, nIn], `${name}/rows`);
  const precision = project.precision({ ...at, config: inner }, call.types[1]);
  const made: TensorRef[] = [];
  for (let i = 0; i < shared; i++) {
    for (let row = 0; row < rows; row++) {
      const own = project.net.add('slice', { axes: [1, 2], starts: [i, row], ends: [i + 1, row + 1], steps: [1, 1] }, [x], `${name}/x`);
      const weight = tensor([nIn, nOut], weights.data.slice(i * nIn * nOut, (i + 1) * nIn * nOut));
      const bias = tensor([nOut], biases.data.slice((i * rows + row) * nOut, (i * rows + row + 1) * nOut));
      made.push(project.net.add('dense', { weight, bias }, [own], name, precision));
    }
  }
  const stacked = made.length === 1 ? (made[0] as TensorRef) : project.net.add('concat', { axis: 1 }, made.map((row) => project.shaped(row, [1, nOut], `${name}/row`)), `${name}/all`);
  return permuted(at, stacked, structOf(at, 'tpose_out_conf'), `${name}/output`);
};
