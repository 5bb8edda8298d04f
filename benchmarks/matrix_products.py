"""The matrix products of a TFLite file, and files of single products, whose best rate is the limit of a latency."""

import math
import pathlib
import tempfile

import tensorflow as tf
from ai_edge_litert import schema_py_generated as tflite

from edgedipn_tf.conversion import converter
from edgedipn_tf.conversion.recipes import FLOAT32

_SIGNATURE = "multiply"
_PRODUCTS = {tflite.BuiltinOperator.FULLY_CONNECTED, tflite.BuiltinOperator.BATCH_MATMUL}


def num_operations(file: bytes) -> int:
    """Returns the multiplications and additions of all matrix products of a file, 2 m n k each."""
    model = tflite.ModelT.InitFromPackedBuf(file, 0)
    (graph,) = model.subgraphs
    total = 0
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        if max(code.builtinCode, code.deprecatedBuiltinCode) not in _PRODUCTS:
            continue
        left, _, result = (graph.tensors[place].shape for place in (*operator.inputs[:2], operator.outputs[0]))
        # What is summed over is the rest of the left operand, whichever way it is turned.
        rows = int(result[-2]) if len(result) > 1 else 1
        batches = math.prod(int(size) for size in result[:-2])
        summed = math.prod(int(size) for size in left) // (rows * batches)
        total += 2 * math.prod(int(size) for size in result) * summed
    return total


def product_files(length: int) -> dict[str, bytes]:
    """Returns float32 files of one product of two inputs each, by name: the shapes of attention, and a large one.

    Args:
        length: steps of a view.
    """
    return {
        f"{rows} x {summed} x {columns}": _product_file(rows, summed, columns)
        for rows, summed, columns in ((length, 64, length), (length, length, 64), (512, 512, 512))
    }


def _product_file(rows: int, summed: int, columns: int) -> bytes:
    @tf.function(autograph=False)
    def multiply(left: tf.Tensor, right: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"product": tf.matmul(left, right)}

    shapes = {"left": (1, rows, summed), "right": (1, summed, columns)}
    specs = {name: tf.TensorSpec(shape, tf.float32, name=name) for name, shape in shapes.items()}
    concrete = multiply.get_concrete_function(**specs)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(tf.Module(), folder, signatures={_SIGNATURE: concrete})
        return converter.convert(pathlib.Path(folder), FLOAT32, [_SIGNATURE])
