"""hls4ml's own compiled emulator beside ours, taking turns in one process: CPU seconds, and whether the numbers are the same.

    python hls4mlEmulator.py float.onnx precision.yml inputs.npy MODULE [rounds]

MODULE is our Python package of the same network, importable. Networks of Gemm, Relu, Sigmoid and Identity whose node names are
hls4ml's layer names. Prints one line of JSON.
"""
import importlib
import json
import sys
import tempfile
import time

import hls4ml
import numpy as np
import onnx
import yaml
from onnx import numpy_helper

model_file, precision_file, inputs, module = sys.argv[1:5]
rounds = int(sys.argv[5]) if len(sys.argv) > 5 else 7


def layers_of(graph, width):
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    layers = [{'name': graph.input[0].name, 'class_name': 'InputLayer', 'input_shape': [width]}]
    for node in graph.node:
        if node.op_type == 'Gemm':
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            weight = weights[node.input[1]].T if attributes.get('transB', 0) else weights[node.input[1]]
            layers.append({
                'name': node.name, 'class_name': 'Dense', 'n_in': width, 'n_out': weight.shape[1],
                'weight_data': weight, 'bias_data': weights[node.input[2]]})
            width = weight.shape[1]
        else:
            activation = {'Relu': 'relu', 'Identity': 'linear', 'Sigmoid': 'sigmoid'}[node.op_type]
            layers.append({'name': node.name, 'class_name': 'Activation', 'activation': activation, 'n_in': width})
    return layers


def seconds(run, x):
    """CPU seconds an event: of as many calls as take a third of a second."""
    calls, start = 0, time.process_time()
    while time.process_time() - start < 0.3:
        run(x)
        calls += 1
    return (time.process_time() - start) / (calls * len(x))


x = np.load(inputs).astype(np.float32)
with open(precision_file) as file:
    config = yaml.safe_load(file)
ours = importlib.import_module(module)
with tempfile.TemporaryDirectory() as folder:
    settings = {'OutputDir': folder, 'ProjectName': 'emulated', 'Backend': 'Vitis', 'IOType': 'io_parallel', 'HLSConfig': config}
    settings = {**hls4ml.backends.get_backend('Vitis').create_initial_config(), **settings}
    theirs = hls4ml.model.ModelGraph.from_layer_list(settings, layers_of(onnx.load(model_file).graph, x.shape[1]))
    theirs.compile()
    many = np.ascontiguousarray(np.concatenate([x] * (16384 // len(x) + 1)))
    wide = many.astype(np.float64)
    # Each in the type and number of events that suit it: theirs takes float32, and goes through events one by one.
    equal = bool((theirs.predict(x).reshape(len(x), -1) == ours.predict(x.astype(np.float64)).reshape(len(x), -1)).all())
    timed = [(seconds(theirs.predict, x), seconds(ours.predict, wide)) for _ in range(rounds)]
least = [min(times) for times in zip(*timed)]
print(json.dumps({
    'hls4ml': hls4ml.__version__, 'events': len(x), 'equal': equal,
    'hls4mlPerSecond': round(1 / least[0]), 'oursPerSecond': round(1 / least[1]), 'ratio': round(least[0] / least[1], 1)}))
