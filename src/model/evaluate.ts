import { CompileError } from '../errors.js';
import type { LayerCatalogue } from './catalogue.js';
import type { ModelGraph } from './graph.js';
import type { Tensor } from './tensor.js';
import { sizeOf } from './tensor.js';

/**
 * The float reference: every layer's float64 meaning, one event at a time. Precisions are not applied; quantisers of
 * the model are layers and are.
 *
 * `inputs` has one event of each graph input by name, in C order without the batch axis (the number of elements must
 * fit). Gives each output by name, likewise. Throws CompileError of kind `input` where an input is missing or too
 * short, and where the model's layers do.
 */
export function evaluateGraph(graph: ModelGraph, catalogue: LayerCatalogue, inputs: ReadonlyMap<string, Float64Array>): Map<string, Float64Array> {
  const values = evaluateTensors(graph, catalogue, inputs);
  return new Map(graph.outputs.map((output) => [output.name, (values.get(output.tensor) as Tensor).data]));
}

/** Every tensor of the graph, by tensor name; `onTensor` may replace each as it comes, inputs and layers' outputs alike. */
export function evaluateTensors(
  graph: ModelGraph,
  catalogue: LayerCatalogue,
  inputs: ReadonlyMap<string, Float64Array>,
  onTensor: (name: string, value: Tensor) => Tensor = (_, value) => value,
): Map<string, Tensor> {
  const values = new Map<string, Tensor>(graph.constants);
  for (const input of graph.inputs) {
    const data = inputs.get(input.name);
    const size = sizeOf(input.shape);
    if (data === undefined || data.length !== size) {
      throw new CompileError('input', {
        code: 'input-size',
        where: [input.name],
        what: data === undefined ? 'has no values.' : `has ${data.length} values; one event of shape [${input.shape.slice(1).join(', ')}] has ${size}.`,
      });
    }
    values.set(input.name, onTensor(input.name, { shape: input.shape, data }));
  }
  for (const node of graph.nodes) {
    const operands = node.inputs.map((name) => values.get(name) as Tensor);
    values.set(node.output, onTensor(node.output, catalogue.evaluate(node.kind, node.params, operands)));
  }
  return values;
}

/**
 * The float reference on `events` events: each input holds them one after another (`[events, …]`), and so does each
 * output.
 */
export function evaluateBatch(graph: ModelGraph, catalogue: LayerCatalogue, inputs: ReadonlyMap<string, Float64Array>, events: number): Map<string, Float64Array> {
  const outputs = new Map(graph.outputs.map((output) => [output.name, new Float64Array(events * sizeOf(output.shape))]));
  for (const input of graph.inputs) {
    const found = inputs.get(input.name)?.length ?? 0;
    const size = sizeOf(input.shape);
    if (found !== events * size) {
      throw new CompileError('input', {
        code: 'input-size',
        where: [input.name],
        what: `has ${found} values; ${events} events of shape [${input.shape.slice(1).join(', ')}] have ${events * size}.`,
      });
    }
  }
  for (let event = 0; event < events; event++) {
    const one = new Map<string, Float64Array>();
    for (const input of graph.inputs) {
      const size = sizeOf(input.shape);
      one.set(input.name, (inputs.get(input.name) as Float64Array).subarray(event * size, (event + 1) * size));
    }
    for (const [name, data] of evaluateGraph(graph, catalogue, one)) (outputs.get(name) as Float64Array).set(data, event * data.length);
  }
  return outputs;
}
