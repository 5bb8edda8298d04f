"""The files of all recipes, made of one SavedModel: one a recipe, or one a length where weights cannot be shared."""

import dataclasses
import pathlib
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion import bundle, converter, export, tflite_file
from edgedipn_tf.conversion.conversion_samples import ConversionSamples
from edgedipn_tf.conversion.export import Signature
from edgedipn_tf.conversion.graph_form import GraphForm
from edgedipn_tf.conversion.recipes import DYNAMIC_INT8, Recipe
from edgedipn_tf.conversion.scoring import FileRunner
from edgedipn_tf.conversion.signatures import PREDICT, PREDICT_RAW, SignatureKey
from edgedipn_tf.publishing import write_bytes


@dataclasses.dataclass(frozen=True)
class ConvertedFile:
    """A file that was made.

    Attributes:
        name: file name.
        recipe: how it was made.
        runners: its functions, ready to run.
        content: what it is made of.
    """

    name: str
    recipe: Recipe
    runners: Mapping[SignatureKey, FileRunner]
    content: tflite_file.TfliteContent

    @property
    def predict_runners(self) -> dict[SignatureKey, FileRunner]:
        """The functions that take ids, one a length: what is compared with Keras."""
        return {key: runner for key, runner in self.runners.items() if key.kind == PREDICT}


@dataclasses.dataclass(frozen=True)
class FileMaker:
    """Makes files.

    Attributes:
        folder: where they are written.
        model_name: the first part of their names.
        num_parameters: number of weights of the Keras model, which every file has to hold.
        samples: inputs to calibrate with.
        time_limit_s: seconds after which one conversion is stopped.
        report: gets progress lines.
    """

    folder: pathlib.Path
    model_name: str
    num_parameters: int
    samples: ConversionSamples
    time_limit_s: float
    report: Callable[[str], None]

    def make(
        self, graph: GraphForm, signatures: Sequence[Signature], recipes: Sequence[Recipe]
    ) -> tuple[ConvertedFile, ...]:
        """Returns the files of all recipes, each checked: operators, weights, tensors.

        Args:
            graph: what is exported.
            signatures: the functions that every recipe gets.
            recipes: the recipes.

        Raises:
            InputError: when a recipe does not fit the graph, a conversion fails, or a file is not what it should be.
        """
        _refuse_calibrated(graph, recipes)
        if not recipes:
            return ()
        made = []
        # Beside the files, so that a full disk shows at once and a killed run's rest is removed with them.
        with tempfile.TemporaryDirectory(prefix=".saved_model.", dir=self.folder) as name:
            saved_model = pathlib.Path(name)
            outputs = export.export_saved_model(graph.model, signatures, saved_model)
            for recipe in recipes:
                for chosen in split_by_file(recipe, signatures):
                    file = self._make_one(saved_model, recipe, [signature.key for signature in chosen])
                    for signature in chosen:
                        file.runners[signature.key].check_tensors(signature.inputs, outputs[signature.key])
                    made.append(file)
        return tuple(made)

    def _make_one(self, saved_model: pathlib.Path, recipe: Recipe, keys: Sequence[SignatureKey]) -> ConvertedFile:
        start, names = time.monotonic(), [key.name for key in keys]
        self.report(f"recipe {recipe.name}: converting {', '.join(names)} in its own process")
        calibration = self._write_calibration(saved_model, keys[0].steps) if recipe.is_calibrated else None
        content = converter.convert(saved_model, recipe, names, self.time_limit_s, calibration)
        found = tflite_file.read_content(content)
        tflite_file.check_content(found, recipe, self.num_parameters)
        suffix = "" if recipe.shares_weights else f"_{keys[0].steps}"
        path = self.folder / f"{self.model_name}_{recipe.name}{suffix}.tflite"
        write_bytes(path, content)
        self.report(f"recipe {recipe.name}: {len(content) / 1e6:.2f} MB in {time.monotonic() - start:.0f} s")
        return ConvertedFile(path.name, recipe, {key: FileRunner(path, key.name) for key in keys}, found)

    def _write_calibration(self, folder: pathlib.Path, length: int) -> pathlib.Path:
        path = folder / f"calibration_{length}.npz"
        np.savez(path, **self.samples.newest(self.samples.calibration(), length))
        return path


def split_by_file(recipe: Recipe, signatures: Sequence[Signature]) -> list[list[Signature]]:
    """Returns the signatures of each file of a recipe: all in one, or `predict` alone where weights are not shared."""
    if recipe.shares_weights:
        return [[each for each in signatures if recipe.discretizes or each.key.kind != PREDICT_RAW]]
    return [[signature] for signature in signatures if signature.key.kind == PREDICT]


def _refuse_calibrated(graph: GraphForm, recipes: Sequence[Recipe]) -> None:
    for recipe in recipes:
        if recipe.is_calibrated and graph.form != bundle.INFERENCE_GRAPH:
            raise InputError(
                f"--recipe={recipe.name} needs the inference graph, and the plain one stays: {graph.reason}: "
                f"use --recipe={DYNAMIC_INT8.name}"
            )


def predict_runners(files: Iterable[ConvertedFile]) -> dict[int, dict[str, FileRunner]]:
    """Returns what runs `predict`, by length and file name."""
    runners: dict[int, dict[str, FileRunner]] = {}
    for file in files:
        for key, runner in file.predict_runners.items():
            runners.setdefault(key.steps, {})[file.name] = runner
    return dict(sorted(runners.items()))
