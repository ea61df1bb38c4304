"""{{title}}

The bit-exact emulator of the firmware. `predict(x)` or `predict(name=x, ...)` takes arrays whose first axis is the event and
gives float64: an array for one output, a dict by name for several. `predict_raw` takes and gives the raw integers of the types,
value * 2**fraction_bits. `inputs`, `outputs`: names, shapes and types (signed, width, integer bits).
"""
import ctypes
import json
import pathlib

import numpy as np

_library = ctypes.CDLL(str(pathlib.Path(__file__).with_name("lib{{namespace}}.so")))
_library.{{namespace}}_schema.restype = ctypes.c_char_p
_schema = json.loads(_library.{{namespace}}_schema().decode())

inputs = _schema["inputs"]
outputs = _schema["outputs"]
version = _schema["version"]
hash = _schema["hash"]


def predict(*arrays, **named):
    """Values in, exact float64 values out; inputs are rounded and overflowed by their types. ValueError for NaN and infinities."""
    return _run(_library.{{namespace}}_run, np.float64, ctypes.c_double, False, arrays, named)


def predict_raw(*arrays, **named):
    """Raw integers in and out. A type wider than 64 bits has one more axis: its words, lowest first."""
    return _run(_library.{{namespace}}_run_raw, np.int64, ctypes.c_int64, True, arrays, named)


def _shape(port, raw):
    return tuple(port["shape"]) + ((port["words"],) if raw and port["words"] > 1 else ())


def _matched(arrays, named):
    names = [port["name"] for port in inputs]
    unknown = [name for name in named if name not in names]
    if unknown or (arrays and named) or len(arrays) + len(named) != len(inputs):
        raise TypeError("give the inputs %s, all by name or all in this order" % ", ".join(names))
    return list(arrays) if arrays else [named[name] for name in names]


def _run(function, dtype, ctype, raw, arrays, named):
    given = []
    events = None
    for port, array in zip(inputs, _matched(arrays, named)):
        array = np.asarray(array)
        if raw and array.dtype.kind not in "iu":
            raise TypeError("%s: raw values are integers" % port["name"])
        shape = _shape(port, raw)
        size = int(np.prod(shape, dtype=np.int64))
        if array.ndim == 0 or array.size != len(array) * size:
            raise ValueError("%s has shape %s, [events, %s] is needed" % (port["name"], array.shape, ", ".join(map(str, shape))))
        if events is not None and len(array) != events:
            raise ValueError("%s has %d events, the input before it %d" % (port["name"], len(array), events))
        events = len(array)
        given.append(np.ascontiguousarray(array, dtype=dtype))
    results = [np.empty((events,) + _shape(port, raw), dtype=dtype) for port in outputs]

    def pointers(list_):
        return (ctypes.POINTER(ctype) * len(list_))(*[array.ctypes.data_as(ctypes.POINTER(ctype)) for array in list_])

    status = function(ctypes.c_size_t(events), pointers(given), pointers(results))
    if status == 1:
        raise ValueError("an input is NaN or infinite")
    if status != 0:
        raise MemoryError()
    return results[0] if len(results) == 1 else {port["name"]: array for port, array in zip(outputs, results)}
