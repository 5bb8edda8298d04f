"""What a TFLite file needs of memory by its own account: constants, and activations that live at once."""

import math

import numpy as np
from ai_edge_litert import schema_py_generated as tflite

_BYTES = {
    tflite.TensorType.FLOAT32: 4,
    tflite.TensorType.FLOAT16: 2,
    tflite.TensorType.INT32: 4,
    tflite.TensorType.INT64: 8,
    tflite.TensorType.INT8: 1,
    tflite.TensorType.BOOL: 1,
}


def weight_bytes(file: bytes) -> int:
    """Returns the bytes of all constants, each once."""
    model = tflite.ModelT.InitFromPackedBuf(file, 0)
    return sum(len(buffer.data) for buffer in model.buffers if buffer.data is not None)


def arena_bytes(file: bytes) -> int:
    """Returns the most bytes of activations that live at once, over all graphs of a file together.

    A tensor lives from the operator that makes it (an input from the start) to the last that reads it (an output to the
    end). What an arena or a delegate adds by its order and packing is not in it.
    """
    model = tflite.ModelT.InitFromPackedBuf(file, 0)
    return sum(_most_alive(graph, model) for graph in model.subgraphs)


def _most_alive(graph: tflite.SubGraphT, model: tflite.ModelT) -> int:
    num_operators = len(graph.operators)
    first = {int(tensor): 0 for tensor in graph.inputs}
    last = dict(first)
    for place, operator in enumerate(graph.operators):
        for tensor in (*operator.inputs, *operator.outputs):
            first.setdefault(int(tensor), place)
            last[int(tensor)] = place
    last |= {int(tensor): num_operators - 1 for tensor in graph.outputs}
    alive = np.zeros(num_operators + 1, np.int64)
    for tensor, start in first.items():
        if tensor < 0 or model.buffers[graph.tensors[tensor].buffer].data is not None:
            continue  # left out, or a constant
        size = _size(graph.tensors[tensor])
        alive[start] += size
        alive[last[tensor] + 1] -= size
    return int(np.cumsum(alive).max())


def _size(tensor: tflite.TensorT) -> int:
    shape = () if tensor.shape is None else tensor.shape
    return _BYTES.get(tensor.type, 4) * math.prod(int(size) for size in shape)
