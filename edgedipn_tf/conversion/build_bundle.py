"""From a finished training run to a published bundle: export, convert, compare with Keras, describe."""

import dataclasses
import pathlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import edgedipn_tf
from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion import bundle, converter, export, parity, scoring, tflite_file
from edgedipn_tf.conversion.graph_form import GraphForm, choose_graph
from edgedipn_tf.conversion.provenance import source_commit
from edgedipn_tf.conversion.recipes import DYNAMIC_INT8, SIGNATURE, Recipe
from edgedipn_tf.dataset import Dataset, open_dataset
from edgedipn_tf.finished_run import FinishedRun, open_finished_run
from edgedipn_tf.models.catalog import find_variant
from edgedipn_tf.models.inputs import input_signature
from edgedipn_tf.publishing import publish_folder, write_bytes, write_json
from edgedipn_tf.tensorflow_errors import one_line_errors

_SPLIT = "eval"
_BATCH_SIZE = 128
_CALIBRATION_SPLIT = "train"
_CALIBRATION_SPREAD = 32  # one sample of so many: a user has many samples, one after another


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """How a bundle is built.

    Attributes:
        recipes: one file is made by each.
        parity_samples: evaluation samples that files are compared on, spread over the split; 0 is all of them.
        benchmark_samples: how many of them the bundle holds for benchmarks.
        calibration_samples: training samples that calibrated recipes measure ranges on, spread over the split.
        overwrite: whether a bundle that is there may be replaced.
        allow_degraded: whether a file beyond its tolerance is published, marked, instead of refused.
        time_limit_s: seconds after which one conversion is stopped.
    """

    recipes: Sequence[Recipe]
    parity_samples: int = 0
    benchmark_samples: int = 64
    calibration_samples: int = 128
    overwrite: bool = False
    allow_degraded: bool = False
    time_limit_s: float = converter.TIME_LIMIT_S


def build_bundle(
    workdir_path: pathlib.Path,
    output: pathlib.Path,
    data: pathlib.Path | None,
    settings: Settings,
    report: Callable[[str], None],
) -> None:
    """Converts the model of a finished training run and publishes the bundle by one rename.

    Equal inputs give equal bytes, but for the commit; TensorFlow's operations are made deterministic, for the process.

    Args:
        workdir_path: folder of the training run.
        output: the bundle.
        data: folder of the dataset; by default the one the model was trained on.
        settings: how the bundle is built.
        report: gets progress lines and the table of AUCs.

    Raises:
        InputError: when an input does not fit, a conversion fails, or a file is too far from Keras. Nothing is
            published then.
    """
    workdir = open_finished_run(workdir_path)
    _refuse_view_order(workdir)
    dataset = open_dataset(pathlib.Path(workdir.data) if data is None else data)
    workdir.refuse_other_data(
        dataset.path, {"schema": dataset.schema.fingerprint, "vocabulary": dataset.vocabulary_fingerprint}
    )
    tf.config.experimental.enable_op_determinism()
    model = workdir.load_model()
    with publish_folder(output, settings.overwrite) as partial:
        report(f"converting {workdir.model_name} of {model.count_params():,} weights for {workdir.max_length} steps")
        samples = _Samples(dataset, workdir, settings)
        graph = samples.choose_graph(model)
        report(f"{graph.form} graph" + (f": {graph.reason}" if graph.reason else ""))
        files = _convert(graph, model.count_params(), samples, partial, settings, report)
        runners = {name: scoring.FileRunner(partial / name) for name in files}
        scores = samples.score(model, runners, report)
        found = {
            name: parity.compare(recipe, scores.keras, scores.files[name], scores.labels, samples.selected)
            for name, recipe in files.items()
        }
        report(parity.format_table(scores.labels.auc(scores.keras), found))
        if not settings.allow_degraded:
            parity.refuse_degraded(found, scores.num_samples)
        write_json(partial / bundle.PARITY, parity.parity_json(scores.keras, scores.labels, found))
        for name in (bundle.SCHEMA, bundle.VOCABULARY):
            shutil.copyfile(workdir.path / name, partial / name)
        bundle.write_samples(partial, scores.kept_inputs, scores.kept_keras, scores.kept_labels)
        described = [_describe(name, runners[name], found[name]) for name in files]
        bundle.write_manifest(
            partial, _description(workdir, graph, list(scores.keras)), described, SIGNATURE, workdir.max_length
        )
    report(f"published {output}")


def _convert(
    graph: GraphForm,
    num_parameters: int,
    samples: "_Samples",
    folder: pathlib.Path,
    settings: Settings,
    report: Callable[[str], None],
) -> dict[str, Recipe]:
    files, workdir = {}, samples.workdir
    _refuse_calibrated(graph, settings.recipes)
    # Beside the files, so that a full disk shows at once and a killed run's rest is removed with them.
    with tempfile.TemporaryDirectory(prefix=".saved_model.", dir=folder) as saved_model:
        signature = input_signature(workdir.schema, workdir.max_length, batch_size=1)
        outputs = export.export_saved_model(graph.model, signature, pathlib.Path(saved_model))
        calibration = pathlib.Path(saved_model) / "calibration.npz"
        if any(recipe.is_calibrated for recipe in settings.recipes):
            samples.write_calibration(calibration)
        for recipe in settings.recipes:
            start = time.monotonic()
            report(f"recipe {recipe.name}: converting in its own process")
            content = converter.convert(pathlib.Path(saved_model), recipe, settings.time_limit_s, calibration)
            tflite_file.check_content(tflite_file.read_content(content), recipe, num_parameters)
            name = f"{workdir.model_name}_{recipe.name}.tflite"
            write_bytes(folder / name, content)
            scoring.FileRunner(folder / name).check_tensors(signature, outputs)
            files[name] = recipe
            report(f"recipe {recipe.name}: {len(content) / 1e6:.2f} MB in {time.monotonic() - start:.0f} s")
    return files


def _refuse_view_order(workdir: FinishedRun) -> None:
    if find_variant(workdir.model_name).needs_view_order:
        raise InputError(
            f"{workdir.path} holds {workdir.model_name}, which needs the order of the actions across views, and the "
            "inputs of a bundle are each view alone: convert another model, such as dipn_edge"
        )


def _refuse_calibrated(graph: GraphForm, recipes: Sequence[Recipe]) -> None:
    for recipe in recipes:
        if recipe.is_calibrated and graph.form != bundle.INFERENCE_GRAPH:
            raise InputError(
                f"--recipe={recipe.name} needs the inference graph, and the plain one stays: {graph.reason}: "
                f"use --recipe={DYNAMIC_INT8.name}"
            )


class _Samples:
    """The evaluation samples that files are compared with Keras on, and the training samples that calibrate."""

    def __init__(self, dataset: Dataset, workdir: FinishedRun, settings: Settings) -> None:
        self._dataset, self.workdir = dataset, workdir
        self._num_calibration = settings.calibration_samples
        self._total = dataset.num_samples(_SPLIT)
        self.selected = scoring.spread(self._total, settings.parity_samples)
        self._kept = self.selected[scoring.spread(len(self.selected), settings.benchmark_samples)]

    def _batches(self) -> Iterator[scoring.Batch]:
        return self._dataset.evaluation_batches(_SPLIT, self.workdir.max_length, _BATCH_SIZE).as_numpy_iterator()

    def write_calibration(self, path: pathlib.Path) -> None:
        """Writes inputs of training samples: spread over the first so many that users differ, without a whole pass."""
        total = min(self._dataset.num_samples(_CALIBRATION_SPLIT), _CALIBRATION_SPREAD * self._num_calibration)
        if not total:
            raise InputError(f"{self._dataset.path} has no training samples to calibrate with: use other recipes")
        selected = scoring.spread(total, self._num_calibration)
        batches = self._dataset.evaluation_batches(_CALIBRATION_SPLIT, self.workdir.max_length, _BATCH_SIZE)
        needed = batches.take(-(-total // _BATCH_SIZE)).as_numpy_iterator()
        with one_line_errors(self._dataset.path, self.workdir.path):
            parts = [inputs for _, (inputs, _, _) in scoring.select(needed, selected)]
        np.savez(path, **{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})

    def choose_graph(self, model: keras.Model) -> GraphForm:
        inputs = (batch[0] for _, batch in scoring.select(self._batches(), self.selected))
        with one_line_errors(self._dataset.path, self.workdir.path):
            return choose_graph(model, inputs)

    def score(
        self, model: keras.Model, runners: Mapping[str, scoring.FileRunner], report: Callable[[str], None]
    ) -> scoring.Scores:
        report(f"comparing with Keras on {len(self.selected)} of {self._total} evaluation samples")
        with one_line_errors(self._dataset.path, self.workdir.path):
            return scoring.score(model, runners, self._batches(), self.selected, self._kept, report)


def _describe(name: str, runner: scoring.FileRunner, found: parity.FileParity) -> bundle.BundleFile:
    inputs, outputs = runner.tensors()
    return bundle.BundleFile(name, found.recipe, inputs, outputs, not found.is_within_tolerance)


def _description(workdir: FinishedRun, graph: GraphForm, outputs: Sequence[str]) -> dict[str, Any]:
    return {
        "model": workdir.model_name,
        "graph": graph.to_json(),
        "schema_fingerprint": workdir.schema.fingerprint,
        "vocabulary_fingerprint": workdir.vocabulary_fingerprint,
        "project_version": edgedipn_tf.__version__,
        "commit": source_commit(),
        "intents": [
            {"name": intent.name, "metric": intent.metric, "num_places": workdir.schema.num_places(intent)}
            for intent in workdir.schema.intents
            if intent.name in outputs
        ],
    }
