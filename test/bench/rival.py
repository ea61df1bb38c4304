"""The rival's interpreter on a model that this tool compiled, for test/bench/speed.ts.

rival.py MODEL.json EVENTS.npy OUTPUTS.npy: traces the typed layers of model.json (dense, relu, quantisers) with the
rival's own optimiser, runs all events once, writes their outputs and prints a JSON line about the result. Then each line
on stdin runs them again on one thread, and prints the CPU seconds that took.
"""

import json
import re
import sys
import time

import numpy as np
from alkaid.trace import FVArrayInput, HWConfig, trace
from alkaid.trace.ops import quantize

AP_FIXED = re.compile(r'ap_(u?)fixed<(-?\d+),(-?\d+)(?:,(\w+))?(?:,(\w+))?>')


def kif(text):
    """Sign bit, integer bits without it and fraction bits of an ap_fixed, with its modes."""
    unsigned, width, integer, rounding, overflow = AP_FIXED.fullmatch(text).groups()
    k = 0 if unsigned else 1
    return dict(k=k, i=int(integer) - k, f=int(width) - int(integer), round_mode=rounding or 'TRN', overflow_mode=overflow or 'WRAP')


def tensor(value):
    return np.array(value['data']).reshape(value['shape'])


def apply_type(x, text):
    return x if text is None else quantize(x, **kif(text))


def apply_node(node, x):
    params = node['params']
    result = node.get('precision', {}).get('result')
    if node['kind'] == 'dense':
        x = x @ tensor(params['weight'])
        if 'bias' in params:
            x = x + tensor(params['bias'])
    elif node['kind'] == 'fixedQuant':
        signed, integer, fraction = (tensor(params[name]).reshape(-1) for name in ('signed', 'integerBits', 'fractionBits'))
        x = quantize(x, signed, integer, fraction, params['overflow'], params['rounding'])
    elif node['kind'] == 'activation' and params['function'] == 'relu':
        x = np.maximum(x, 0)
    elif not (node['kind'] == 'activation' and params['function'] == 'linear'):
        raise ValueError(f"{node['kind']} is not known here")
    return apply_type(x, result)


def main():
    model, events, outputs = sys.argv[1:]
    graph = json.load(open(model))
    (port,) = graph['inputs']
    inputs = FVArrayInput((int(np.prod(port['shape'])),), HWConfig(1, -1, -1))
    types = port.get('elementTypes') or [port['type']] * inputs.size
    parts = [kif(text) for text in types]
    x = quantize(inputs, *(np.array([part[name] for part in parts]) for name in ('k', 'i', 'f')))
    for node in graph['nodes']:
        x = apply_node(node, x)
    logic = trace(inputs, x)
    data = np.load(events).astype(np.float64)
    np.save(outputs, logic.predict(data, n_threads=1))
    print(json.dumps({'ops': len(logic.ops)}), flush=True)
    for _ in sys.stdin:
        start = time.process_time()
        logic.predict(data, n_threads=1)
        print(time.process_time() - start, flush=True)


main()
