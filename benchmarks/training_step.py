"""Benchmark: a step of training against its plain form, in CPU-seconds of one run.

The plain form is what one would write first: Keras' Adam on the gradients as the tape gives them, and the inter-view
attention by two softmaxes. It also says what share of this machine's speed at matrix products the step reaches, by the
products of the plain form.
"""

import dataclasses
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

import numpy as np
from absl import flags
from numpy.typing import NDArray

from edgedipn_tf import commands
from edgedipn_tf.models.catalog import VARIANTS
from edgedipn_tf.quiet_start import import_tensorflow
from edgedipn_tf.schema import VIEW_ORDER, edgedipn_schema

DESCRIPTION = """
Measures on this host what a training step takes of the CPU time of its plain form, at full-length sequences.

  python -m benchmarks.training_step --lengths=64,256

The steps of both run in turns in one process. Random samples and fresh weights: they change numbers, not times.
"""
Arrays = Mapping[str, NDArray[Any]]
_MATRIX_SIZE = 2048
_PRODUCTS = ("MatMul", "BatchMatMulV2", "BatchMatMulV3")


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags."""
    flags.DEFINE_list("lengths", ["64", "256"], "Lengths of the views.", flag_values=values)
    flags.DEFINE_enum("model", "edgedipn", list(VARIANTS), "Name of a model.", flag_values=values)
    flags.DEFINE_integer("batch_size", 64, "Samples of a step.", 1, flag_values=values)
    flags.DEFINE_integer("steps", 10, "Timed steps of each form.", 3, flag_values=values)


def main(values: flags.FlagValues, _: list[str]) -> None:
    """Measures."""
    import_tensorflow()
    from edgedipn_tf.optimizer import DenseAdam

    peak = _peak_flops()
    print(f"matrix products of {_MATRIX_SIZE}: {peak / 1e9:.0f} GFLOP a CPU-second")
    print(
        f"{'length':>6}{'plain CPU-ms':>14}{'ours CPU-ms':>13}{'ratio':>8}{'GFLOP':>8}{'share of peak':>15}", flush=True
    )
    for length in map(int, values.lengths):
        inputs, labels = _batch(length, values.batch_size)
        plain = _plain_step(values.model, length, inputs, labels)
        ours = _step(values.model, length, inputs, labels, DenseAdam(1e-3))
        seconds = _medians({"plain": plain.run, "ours": ours.run}, values.steps)
        flops = _product_flops(plain.graph)
        share = flops / seconds["ours"] / peak
        print(
            f"{length:>6}{seconds['plain'] * 1e3:>14.0f}{seconds['ours'] * 1e3:>13.0f}"
            f"{seconds['ours'] / seconds['plain']:>8.3f}{flops / 1e9:>8.1f}{share:>15.0%}",
            flush=True,
        )


def _batch(length: int, batch_size: int) -> tuple[Arrays, Arrays]:
    from edgedipn_tf.models.inputs import example_inputs, example_view_order

    schema = edgedipn_schema("UTC", "benchmark")
    rng = np.random.default_rng(1)
    inputs = example_inputs(schema, length, batch_size, seed=1)
    for view in schema.views:  # all steps are real, the dearest case
        inputs[view.name] = np.stack(
            [rng.integers(1, f.table_size, (batch_size, length)) for f in view.features], axis=-1
        ).astype(np.int32)
    inputs[VIEW_ORDER] = example_view_order(schema, inputs, seed=0)
    labels = {i.name: rng.integers(0, 2, (batch_size, schema.num_places(i))).astype(np.float32) for i in schema.intents}
    return inputs, labels


@dataclasses.dataclass(frozen=True)
class _Step:
    """One step of training, and the TensorFlow graph that it runs."""

    run: Callable[[], object]
    graph: Any


def _plain_step(name: str, length: int, inputs: Arrays, labels: Arrays) -> _Step:
    import keras

    from edgedipn_tf.layers import inter_view_attention, mutual_attention

    softmax = mutual_attention.attend_by_softmax
    with mock.patch.object(inter_view_attention, "attend_for_training", softmax):
        return _step(name, length, inputs, labels, keras.optimizers.Adam(1e-3))


def _step(name: str, length: int, inputs: Arrays, labels: Arrays, optimizer: Any) -> _Step:
    import tensorflow as tf

    from edgedipn_tf.models.variants import build_model

    model = build_model(name, edgedipn_schema("UTC", "benchmark"), max_length=length)
    optimizer.build(model.trainable_variables)

    def step(inputs: Mapping[str, tf.Tensor], labels: Mapping[str, tf.Tensor]) -> tf.Tensor:
        with tf.GradientTape() as tape:
            logits = model(inputs, training=True)
            losses = [tf.nn.sigmoid_cross_entropy_with_logits(labels[n], x) for n, x in logits.items()]
            loss = sum(tf.reduce_mean(values) for values in losses) + sum(model.losses)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    tensors = tf.nest.map_structure(tf.constant, (inputs, labels))
    concrete = tf.function(step).get_concrete_function(*tensors)
    return _Step(lambda: concrete(*tensors).numpy(), concrete.graph)


def _product_flops(graph: Any) -> int:
    """Returns the floating-point operations of the matrix products of a graph whose shapes are known."""
    flops = 0
    for operation in graph.get_operations():
        if operation.type in _PRODUCTS:
            is_transposed = operation.get_attr("transpose_a" if operation.type == "MatMul" else "adj_x")
            left = operation.inputs[0].shape
            flops += 2 * operation.outputs[0].shape.num_elements() * left[-2 if is_transposed else -1]
    return flops


def _peak_flops() -> float:
    import tensorflow as tf

    matrix = tf.random.stateless_normal((_MATRIX_SIZE, _MATRIX_SIZE), seed=(1, 2))
    multiply = tf.function(lambda: tf.reduce_sum(tf.matmul(matrix, matrix)))
    return 2 * _MATRIX_SIZE**3 / _medians({"product": lambda: multiply().numpy()}, 5)["product"]


def _medians(functions: dict[str, Callable[[], object]], num_runs: int) -> dict[str, float]:
    """Returns the median CPU-seconds of each function, run in turns, the first time not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(num_runs + 1):
        for name, function in functions.items():
            begin = time.process_time()
            function()
            seconds[name].append(time.process_time() - begin)
    return {name: statistics.median(runs[1:]) for name, runs in seconds.items()}


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(DESCRIPTION, define_flags, main))


if __name__ == "__main__":
    cli()
