"""A compacted file says the same in fewer bytes: outputs bit for bit, constants aligned, nothing stored for nothing."""

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import interpreter as litert
from ai_edge_litert import schema_py_generated as tflite

from edgedipn_tf.conversion.compaction import compact

LENGTHS = {"short": 3, "long": 5}
SIZES = (40, 7, 3)


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two signatures that share their weights, of which the larger is int8, as the converter writes them."""
    rng, module = np.random.default_rng(1), tf.Module()
    module.kernels = [tf.Variable(rng.normal(size=(SIZES[0], n)).astype(np.float32)) for n in SIZES]

    def trace(length: int) -> tf.types.experimental.ConcreteFunction:
        def function(x: tf.Tensor) -> dict[str, tf.Tensor]:
            hidden = tf.nn.tanh(x @ module.kernels[0])
            return {f"y{n}": tf.nn.softmax(hidden @ kernel) for n, kernel in enumerate(module.kernels[1:])}

        spec = tf.TensorSpec((length, SIZES[0]), tf.float32, name="x")
        return tf.function(function, autograph=False).get_concrete_function(spec)

    folder = str(tmp_path_factory.mktemp("model"))
    tf.saved_model.save(module, folder, signatures={name: trace(length) for name, length in LENGTHS.items()})
    converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(LENGTHS))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter.convert()


def unpack(file: bytes) -> tflite.ModelT:
    return tflite.ModelT.InitFromPackedBuf(file, 0)


def test_outputs_are_equal_bit_for_bit(converted: bytes) -> None:
    before, after = (litert.Interpreter(model_content=file, num_threads=1) for file in (converted, compact(converted)))
    for name, length in LENGTHS.items():
        x = np.random.default_rng(length).normal(size=(length, SIZES[0])).astype(np.float32)
        expected, found = (file.get_signature_runner(name)(x=x) for file in (before, after))
        assert len(expected) == 2
        for output, values in expected.items():
            assert found[output].tobytes() == values.tobytes()


def test_operators_tensors_and_constants_stay(converted: bytes) -> None:
    before, after = unpack(converted), unpack(compact(converted))

    def described(model: tflite.ModelT) -> list[object]:
        return [
            [(o.opcodeIndex, list(o.inputs), list(o.outputs), o.builtinOptionsType) for o in graph.operators]
            + [(t.type, list(t.shape), *constant(model, t), scales(t)) for t in graph.tensors]
            for graph in model.subgraphs
        ]

    def constant(model: tflite.ModelT, tensor: tflite.TensorT) -> tuple[object, object]:
        data = model.buffers[tensor.buffer].data
        return (None, tensor.name) if data is None else (bytes(data), None)

    def scales(tensor: tflite.TensorT) -> list[float]:
        found = tensor.quantization
        return [] if found is None or found.scale is None else list(found.scale)

    assert described(after) == described(before)
    assert any(scales(tensor) for graph in after.subgraphs for tensor in graph.tensors)
    assert [each.signatureKey for each in after.signatureDefs] == [each.signatureKey for each in before.signatureDefs]
    told = {m.name: bytes(after.buffers[m.buffer].data) for m in after.metadata}
    assert told == {m.name: bytes(before.buffers[m.buffer].data) for m in before.metadata}


def test_nothing_is_stored_for_what_has_no_values(converted: bytes) -> None:
    before, after = unpack(converted), unpack(compact(converted))
    assert sum(buffer.data is None for buffer in before.buffers) > 10
    assert [buffer.data is None for buffer in after.buffers] == [True] + [False] * (len(after.buffers) - 1)
    tensors = [tensor for graph in after.subgraphs for tensor in graph.tensors]
    assert all(tensor.quantization is None or tensor.quantization.scale is not None for tensor in tensors)


def test_a_constant_of_several_signatures_has_one_name_stored_once(converted: bytes) -> None:
    small = compact(converted)
    names: dict[int, set[bytes]] = {}
    for graph in unpack(small).subgraphs:
        for tensor in graph.tensors:
            names.setdefault(tensor.buffer, set()).add(tensor.name)
    constants = [found for buffer, found in names.items() if buffer]
    assert len(constants) >= 3 and {len(found) for found in constants} == {1}
    assert [small.count(name + b"\0") for (name,) in constants] == [1] * len(constants)


def test_constants_are_aligned_as_the_schema_asks(converted: bytes) -> None:
    model = tflite.Model.GetRootAs(compact(converted), 0)
    tables = [model.Buffers(place)._tab for place in range(1, model.BuffersLength())]
    starts = [table.Vector(table.Offset(4)) for table in tables]  # 4: the first field of a Buffer, its data
    assert len(starts) >= 5
    assert [start % 16 for start in starts] == [0] * len(starts)


def test_a_compact_file_stays_as_it_is(converted: bytes) -> None:
    small = compact(converted)
    assert len(small) < len(converted)
    assert compact(small) == small
