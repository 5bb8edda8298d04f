"""What a trained EdgeDIPN attends to in one sample: actions of each view, sources of each intent, the fusion gate."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from edgedipn_tf.attention_weights import action_weights, attends_to_actions, gate, source_weights
from edgedipn_tf.commands import InputError
from edgedipn_tf.dataset import Dataset
from edgedipn_tf.evaluation import open_run
from edgedipn_tf.explanation_page import format_page
from edgedipn_tf.layers.masking import step_mask
from edgedipn_tf.models.edgedipn import EdgeDIPN
from edgedipn_tf.publishing import write_bytes
from edgedipn_tf.schema_files import read_vocabulary
from edgedipn_tf.tensorflow_errors import one_line_errors

FloatArray = npt.NDArray[np.float32]
Tensors = Mapping[str, tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Explanation:
    """One sample as the model saw it. `n` is a view's number of actions, `S` the sources, `K` the candidates.

    Attributes:
        position: of the sample in the split.
        user_id: whose it is.
        t0_ms: its cut-off.
        candidate_names: (leaf, top) of the K candidates; empty is null.
        probabilities: by intent, (1,) or (K,).
        labels: by intent, the same shape; NaN is unknown.
        action_ids: by view, (n, F), oldest first.
        action_weights: by view, (n,), the mean over the hops; they sum to 1.
        sources: names of the S sources.
        source_weights: by intent, (S,), they sum to 1; empty for a model without data-level attention.
        gate: by intent, (S,), the mean of the fusion gate: 1 is data-level attention alone, 0 feature-level attention
            alone; empty for a model without it.
    """

    position: int
    user_id: str
    t0_ms: int
    candidate_names: Sequence[tuple[str, str]]
    probabilities: Mapping[str, FloatArray]
    labels: Mapping[str, FloatArray]
    action_ids: Mapping[str, npt.NDArray[np.int32]]
    action_weights: Mapping[str, FloatArray]
    sources: Sequence[str]
    source_weights: Mapping[str, FloatArray]
    gate: Mapping[str, FloatArray]


def explain_run(
    workdir: pathlib.Path, *, data: pathlib.Path | None, split: str, page: pathlib.Path, positions: Sequence[int]
) -> None:
    """Writes what the model of a finished training run attends to in some samples, as an HTML page.

    Args:
        workdir: folder of the run.
        data: folder of the dataset; by default the one the model was trained on.
        split: `train` or `eval`.
        page: file to write.
        positions: of the samples in the split, from 0.

    Raises:
        InputError: as `evaluate_run`, or when the model has no attention to show, or a sample is not there.
    """
    run, dataset = open_run(workdir, data)
    vocabulary = read_vocabulary(workdir / "vocabulary.json", run.schema, "train again")
    with one_line_errors(dataset.path, workdir):
        found = explain(run.model, dataset, split, run.max_length, positions)
    title = f"What {run.model_name} attends to ({split})"
    write_bytes(page, format_page(title, dataset.schema, vocabulary, found).encode())
    print(f"{len(found)} samples explained in {page}")


def explain(
    model: keras.Model, dataset: Dataset, split: str, max_length: int, positions: Sequence[int]
) -> list[Explanation]:
    """Explains some samples of a split.

    Args:
        model: a trained EdgeDIPN whose encoders attend.
        dataset: where the samples are.
        split: `train` or `eval`.
        max_length: T, what the model sees of a sequence.
        positions: of the samples in the split, from 0.

    Raises:
        InputError: when the model has no attention to show, or the split has no such sample.
    """
    if not isinstance(model, EdgeDIPN) or not attends_to_actions(model):
        raise InputError(f"--explain: {model.name} has no attention over actions; explain an edgedipn with attention")
    num_samples = dataset.num_samples(split)
    beyond = [position for position in positions if not 0 <= position < num_samples]
    if beyond:
        raise InputError(f"--explain_samples: {beyond[0]} is not one of the {num_samples} samples of {split}, from 0")
    wanted = tf.constant(positions, tf.int64)
    samples = dataset.evaluation_batches(split, max_length, 1, extras=True).enumerate()
    chosen = samples.filter(lambda position, sample: tf.reduce_any(wanted == position))
    found = {int(position): _explain(model, int(position), *sample) for position, sample in chosen}
    return [found[position] for position in positions]


def _explain(
    model: EdgeDIPN, position: int, inputs: Tensors, labels: Tensors, weights: Tensors, extras: Tensors
) -> Explanation:
    logits, _ = model.logits_and_penalty(inputs)
    sources, _ = model.sources(inputs)
    masks = {view: step_mask(inputs[view])[0].numpy() for view in model.views}
    attended = {view: action_weights(model, view, inputs[view])[0].numpy()[masks[view]] for view in model.views}
    tasks = {name: model.task_attentions[name] for name in logits}
    names = [tuple(name.decode("utf-8", "replace") for name in pair) for pair in extras["candidate_names"][0].numpy()]
    return Explanation(
        position=position,
        user_id=extras["user_id"][0].numpy().decode("utf-8", "replace"),
        t0_ms=int(extras["t0_ms"][0]),
        candidate_names=names,
        probabilities={name: tf.sigmoid(values)[0].numpy() for name, values in logits.items()},
        labels={name: np.where(weights[name][0] > 0, labels[name][0], np.nan) for name in logits},
        action_ids={view: inputs[view].numpy()[0][masks[view]] for view in model.views},
        action_weights=attended,
        sources=model.source_names,
        source_weights={name: _of_sample(source_weights(task, sources)) for name, task in tasks.items()},
        gate={name: _of_sample(gate(task, sources)) for name, task in tasks.items()},
    )


def _of_sample(weights: tf.Tensor | None) -> FloatArray:
    return np.zeros(0) if weights is None else weights[0].numpy()
