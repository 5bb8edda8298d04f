"""From a finished training run to a published bundle: export, convert, compare with Keras, describe."""

import dataclasses
import pathlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

import edgedipn_tf
from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion import bundle, converter, parity
from edgedipn_tf.conversion.agreement import THRESHOLDS
from edgedipn_tf.conversion.conversion_samples import ConversionSamples
from edgedipn_tf.conversion.converted_files import ConvertedFile, FileMaker, predict_runners
from edgedipn_tf.conversion.export import Signature, predict_signatures, two_step_signatures
from edgedipn_tf.conversion.graph_form import GraphForm
from edgedipn_tf.conversion.inference_graph import InferenceGraph
from edgedipn_tf.conversion.parity_table import format_table
from edgedipn_tf.conversion.provenance import source_commit
from edgedipn_tf.conversion.raw_signature import check_raw, raw_signature, raw_units, zone_warning
from edgedipn_tf.conversion.recipes import Recipe
from edgedipn_tf.conversion.scaled_model import (
    ScaledModel,
    Scalings,
    calibration_json,
    fit_scalings,
    format_calibration,
)
from edgedipn_tf.conversion.scoring import Scores
from edgedipn_tf.conversion.signatures import PREDICT, PREDICT_RAW, SignatureKey, check_lengths, default_lengths
from edgedipn_tf.conversion.two_steps import check_two_steps
from edgedipn_tf.dataset import Dataset, open_dataset
from edgedipn_tf.finished_run import FinishedRun, open_finished_run
from edgedipn_tf.models.catalog import find_variant
from edgedipn_tf.publishing import publish_folder, write_json
from edgedipn_tf.schema import Schema


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """How a bundle is built.

    Attributes:
        recipes: one file is made by each, or one for every length.
        has_encode: whether files get `encode` and `score_categories` beside `predict`.
        scored_categories: candidates that one call of `score_categories` takes; 0 is as many as samples have.
        lengths: steps of the views that signatures are made for, rising; None is the ladder up to the model's.
        predict_raw: whether files that can hold it get the signature that discretizes, at the model's length.
        calibrate: whether probabilities are scaled, as fitted on the training users that the run held out.
        parity_samples: evaluation samples that files are compared on, spread over the split; 0 is all of them.
        benchmark_samples: how many of them the bundle holds for benchmarks.
        calibration_samples: training samples that calibrated recipes measure ranges on, spread over the split.
        overwrite: whether a bundle that is there may be replaced.
        allow_degraded: whether a file beyond its tolerance is published, marked, instead of refused.
        time_limit_s: seconds after which one conversion is stopped.

    Raises:
        InputError: when settings contradict each other.
    """

    recipes: Sequence[Recipe]
    lengths: Sequence[int] | None = None
    predict_raw: bool = False
    calibrate: bool = False
    has_encode: bool = False
    scored_categories: int = 0
    parity_samples: int = 0
    benchmark_samples: int = 64
    calibration_samples: int = 512
    overwrite: bool = False
    allow_degraded: bool = False
    time_limit_s: float = converter.TIME_LIMIT_S

    def __post_init__(self) -> None:
        if self.has_encode and self.calibrate:
            raise InputError("--encode gives probabilities that are not scaled: leave it or --calibrate out")
        if self.scored_categories and not self.has_encode:
            raise InputError(f"--scored_categories={self.scored_categories} does nothing without --encode: add it")


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
    workdir, dataset = _open(workdir_path, data)
    tf.config.experimental.enable_op_determinism()
    model = workdir.model
    lengths, num_parameters = _lengths(model, workdir.max_length, settings.lengths), model.count_params()
    with publish_folder(output, settings.overwrite) as partial:
        steps = ", ".join(map(str, lengths))
        report(f"converting {workdir.model_name} of {num_parameters:,} weights for {steps} steps")
        samples = ConversionSamples(
            dataset, workdir, settings.parity_samples, settings.benchmark_samples, settings.calibration_samples
        )
        graph = samples.choose_graph(model)
        report(f"{graph.form} graph" + (f": {graph.reason}" if graph.reason else ""))
        if settings.predict_raw and (warning := zone_warning(workdir.schema)):
            report(f"warning: {warning}")
        scalings = fit_scalings(model, dataset, workdir) if settings.calibrate else None
        if scalings is not None:
            model, graph = ScaledModel(model, scalings), graph.scaled(scalings)
        maker = FileMaker(partial, workdir.model_name, num_parameters, samples, settings.time_limit_s, report)
        files = _make_files(maker, graph, workdir, lengths, settings)
        raw_differences = check_raw(files, workdir.schema)
        scores = samples.score(model, predict_runners(files), report)
        found = _write_parity(
            partial, files, scores, samples, raw_differences, scalings, settings.allow_degraded, report
        )
        for name in (bundle.SCHEMA, bundle.VOCABULARY):
            shutil.copyfile(workdir.path / name, partial / name)
        described = _describe(workdir.schema, files, found, _write_samples(partial, lengths, samples, scores))
        description = _description(workdir, graph, list(scores.keras[lengths[-1]]), scalings)
        bundle.write_manifest(partial, description, described)
    report(f"published {output}")


def _open(workdir_path: pathlib.Path, data: pathlib.Path | None) -> tuple[FinishedRun, Dataset]:
    workdir = open_finished_run(workdir_path)
    _refuse_view_order(workdir)
    dataset = open_dataset(pathlib.Path(workdir.data) if data is None else data)
    workdir.refuse_other_data(
        dataset.path, {"schema": dataset.schema.fingerprint, "vocabulary": dataset.vocabulary_fingerprint}
    )
    return workdir, dataset


def _lengths(model: keras.Model, max_length: int, asked: Sequence[int] | None) -> tuple[int, ...]:
    is_fixed = getattr(model, "readout", None) == "flatten"  # DIPN as printed: a weight for every step
    lengths = tuple(asked) if asked else (max_length,) if is_fixed else default_lengths(max_length)
    check_lengths(lengths, max_length, is_fixed)
    return lengths


def _make_files(
    maker: FileMaker, graph: GraphForm, workdir: FinishedRun, lengths: Sequence[int], settings: Settings
) -> tuple[ConvertedFile, ...]:
    """Returns the files of all recipes; those of integer ones are made of another form of the graph."""
    integer = [recipe for recipe in settings.recipes if recipe.is_integer]
    others = [recipe for recipe in settings.recipes if not recipe.is_integer]
    in_integers = graph.in_integers()
    return (
        *maker.make(graph, _signatures(graph, workdir, lengths, settings), others),
        *maker.make(in_integers, predict_signatures(in_integers.model, workdir.schema, lengths), integer),
    )


def _signatures(graph: GraphForm, workdir: FinishedRun, lengths: Sequence[int], settings: Settings) -> list[Signature]:
    """Returns all functions that are asked for; which of them a file gets is its recipe's."""
    schema = workdir.schema
    signatures = predict_signatures(graph.model, schema, lengths)
    if settings.has_encode:
        if not isinstance(graph.model, InferenceGraph) or not graph.model.category_intents:
            reason = graph.reason or "no intent of the model is asked about categories"
            raise InputError(f"--encode needs the inference graph of a model with category intents: {reason}")
        num_scored = settings.scored_categories or schema.num_candidates
        signatures += two_step_signatures(graph.model, schema, lengths, num_scored)
    if settings.predict_raw:
        signatures.append(raw_signature(graph.model, schema, workdir.max_length))
    return signatures


def _write_parity(
    folder: pathlib.Path,
    files: Sequence[ConvertedFile],
    scores: Scores,
    samples: ConversionSamples,
    raw_differences: Mapping[str, float],
    scalings: Scalings | None,
    allow_degraded: bool,
    report: Callable[[str], None],
) -> list[parity.Parity]:
    """Compares the files with Keras, refuses those too far from it, and writes `parity.json`."""
    on = parity.Compared(scores.keras, scores.labels, samples.selected, scores.num_steps)
    found = _judge(files, scores, on, allow_degraded, report)
    calibration = None
    if scalings is not None:
        calibration = calibration_json(scalings, scores.keras[max(scores.keras)], scores.labels)
        report(format_calibration(calibration))
    two_steps = check_two_steps(files, scores.kept_inputs, samples.views)
    content = parity.parity_json(found, on, two_steps, raw_differences)
    write_json(folder / bundle.PARITY, {**content, "calibration": calibration})
    return found


def _judge(
    files: Sequence[ConvertedFile],
    scores: Scores,
    on: parity.Compared,
    allow_degraded: bool,
    report: Callable[[str], None],
) -> list[parity.Parity]:
    longest = max(scores.keras)
    of_longest = {file.recipe: scores.files[longest][file.name] for file in files if file.name in scores.files[longest]}
    found = [
        parity.compare(file.recipe, file.name, key, scores.files[key.steps][file.name], of_longest[file.recipe], on)
        for file in files
        for key in file.predict_runners
    ]
    report(format_table(scores.labels.auc(scores.keras[longest]), found))
    if not allow_degraded:
        parity.refuse_degraded(found, scores.num_samples)
    return found


def _refuse_view_order(workdir: FinishedRun) -> None:
    if find_variant(workdir.model_name).needs_view_order:
        raise InputError(
            f"{workdir.path} holds {workdir.model_name}, which needs the order of the actions across views, and the "
            "inputs of a bundle are each view alone: convert another model, such as dipn_edge"
        )


def _write_samples(
    folder: pathlib.Path, lengths: Sequence[int], samples: ConversionSamples, scores: Scores
) -> dict[int, str]:
    return {
        length: bundle.write_samples(
            folder,
            SignatureKey(PREDICT, length),
            samples.newest(scores.kept_inputs, length),
            scores.kept_keras(length),
            scores.kept_labels,
        )
        for length in lengths
    }


def _describe(
    schema: Schema, files: Sequence[ConvertedFile], found: Sequence[parity.Parity], samples: Mapping[int, str]
) -> list[bundle.BundleFile]:
    degraded = {each.file for each in found if not each.is_within_tolerance}
    return [
        bundle.BundleFile(
            name=file.name,
            recipe=file.recipe.name,
            signatures=[
                bundle.BundleSignature(
                    key,
                    *runner.tensors(),
                    samples[key.steps] if key.kind == PREDICT else None,
                    raw_units(schema, key.steps) if key.kind == PREDICT_RAW else {},
                )
                for key, runner in file.runners.items()
            ],
            operators=file.content.operators,
            minimum_runtime=file.content.minimum_runtime,
            is_degraded=file.name in degraded,
        )
        for file in files
    ]


def _description(
    workdir: FinishedRun, graph: GraphForm, outputs: Sequence[str], scalings: Scalings | None
) -> dict[str, Any]:
    return {
        "model": workdir.model_name,
        "max_length": workdir.max_length,
        "graph": graph.to_json(),
        "schema_fingerprint": workdir.schema.fingerprint,
        "vocabulary_fingerprint": workdir.vocabulary_fingerprint,
        "project_version": edgedipn_tf.__version__,
        "commit": source_commit(),
        "training": workdir.settings,
        "intents": [
            {"name": intent.name, "metric": intent.metric, "num_places": workdir.schema.num_places(intent)}
            for intent in workdir.schema.intents
            if intent.name in outputs
        ],
        "thresholds": list(THRESHOLDS),
        "calibration": scalings and {intent: dataclasses.asdict(scaling) for intent, scaling in scalings.items()},
    }
