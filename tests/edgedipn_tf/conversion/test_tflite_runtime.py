"""What tflite-runtime 2.14.0 computes of our files: `make test-tflite-runtime` gives it an environment with NumPy 1.

Outputs are held against LiteRT's own kernels, those without XNNPACK, which round as the old ones do. XNNPACK rounds an
int8 sum once, by a float multiplier, where the others shift integers twice, so that a sum between two steps may fall to
either: of random weights up to 0.03 of a probability, between two kinds of kernels of one release as between releases.
"""

import dataclasses
import json
import os
import pathlib
import subprocess
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from tests.edgedipn_tf.conversion.conftest import Published
from tests.edgedipn_tf.conversion.tiny import MAX_LENGTH

pytestmark = pytest.mark.tflite_runtime
PYTHON = os.environ.get("EDGEDIPN_TFLITE_RUNTIME", "")
RUNNER = pathlib.Path(__file__).parent / "run_tflite_runtime.py"
KERNELS = ("built_in", "xnnpack")
RECIPES = ("float32", "dynamic_int8", "static_int8")
TOLERANCE = 1e-6  # float32 sums in another order


@dataclasses.dataclass(frozen=True)
class OldRun:
    """A bundle, and the folder with what tflite-runtime 2.14.0 gave of its samples."""

    bundle: pathlib.Path
    folder: pathlib.Path

    def predicts(self, recipe: str) -> list[tuple[str, dict[str, Any]]]:
        """File name and description of each `predict` of a recipe."""
        files = json.loads((self.bundle / "manifest.json").read_text())["files"]
        found = [(file["name"], each) for file in files if file["recipe"] == recipe for each in file["signatures"]]
        return [(name, each) for name, each in found if each["kind"] == "predict"]

    def outputs(self, file: str, signature: str, kernels: str) -> dict[str, np.ndarray]:
        with np.load(self.folder / f"{file}-{signature}-{kernels}.npz") as arrays:
            return dict(arrays)

    def difference(self, file: str, signature: dict[str, Any], kernels: str) -> float:
        """The largest difference of an output from LiteRT's without XNNPACK; NaN where an output is."""
        resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = Interpreter(str(self.bundle / file), num_threads=1, experimental_op_resolver_type=resolver)
        run, samples = interpreter.get_signature_runner(signature["name"]), np.load(self.bundle / signature["samples"])
        inputs = {tensor["name"]: samples[tensor["name"]] for tensor in signature["inputs"]}
        rows = [run(**{key: v[i : i + 1] for key, v in inputs.items()}) for i in range(len(samples["history"]))]
        found = self.outputs(file, signature["name"], kernels)
        return float(max(np.abs(np.concatenate([row[name] for row in rows]) - found[name]).max() for name in found))


def run_old(bundle: pathlib.Path, folder: pathlib.Path) -> OldRun:
    if not PYTHON:
        pytest.skip("EDGEDIPN_TFLITE_RUNTIME names no Python with tflite-runtime 2.14.0: `make test-tflite-runtime`")
    done = subprocess.run([PYTHON, RUNNER, bundle, folder], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return OldRun(bundle, folder)


@pytest.fixture(scope="module")
def old(published: Published, tmp_path_factory: pytest.TempPathFactory) -> OldRun:
    return run_old(published.bundle, tmp_path_factory.mktemp("outputs"))


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("recipe", RECIPES)
def test_it_computes_what_the_same_kernels_of_litert_compute(old: OldRun, recipe: str, kernels: str) -> None:
    predicts = old.predicts(recipe)
    assert len(predicts) == 2  # lengths
    for file, signature in predicts:
        assert old.difference(file, signature, kernels) <= TOLERANCE, (file, signature["name"])


def test_encode_and_score_categories_give_what_predict_gives(old: OldRun) -> None:
    for recipe in ("float32", "dynamic_int8"):
        for file, signature in old.predicts(recipe):
            for kernels in KERNELS:
                at_once = old.outputs(file, signature["name"], kernels)
                in_two_steps = old.outputs(file, signature["name"].replace("predict", "encode"), kernels)
                assert in_two_steps.keys() == at_once.keys()
                for intent, values in in_two_steps.items():
                    num_places = min(values.shape[1], at_once[intent].shape[1])
                    np.testing.assert_allclose(values[:, :num_places], at_once[intent][:, :num_places], atol=TOLERANCE)


# Its XNNPACK delegate frees what it unpacked of half floats when it prepares the next subgraph, and a signature is one:
# so its source reads. Nothing is promised of float16 there; this says what an app would see.
def test_xnnpack_gives_nan_of_all_but_the_last_signature_of_half_floats(old: OldRun) -> None:
    for file, signature in old.predicts("float16"):
        assert old.difference(file, signature, "built_in") <= TOLERANCE
        if signature["length"] == MAX_LENGTH:
            assert old.difference(file, signature, "xnnpack") <= TOLERANCE
        else:
            assert np.isnan(old.difference(file, signature, "xnnpack"))


def test_a_bundle_of_a_trained_model(tmp_path: pathlib.Path) -> None:
    bundle = os.environ.get("EDGEDIPN_BUNDLE")
    if not bundle:
        pytest.skip("EDGEDIPN_BUNDLE names no bundle to run on tflite-runtime 2.14.0")
    found = run_old(pathlib.Path(bundle), tmp_path)
    (exact,) = {file for file, _ in found.predicts("float32")}
    for recipe in RECIPES:
        for file, signature in found.predicts(recipe):
            differences = [found.difference(file, signature, kernels) for kernels in KERNELS]
            # A float sum in another order may move an activation to the next of its 256 steps; what that does to a
            # probability depends on the weights, so the measure is what the recipe itself does to these samples.
            error = max(
                float(np.abs(values - found.outputs(exact, signature["name"], "built_in")[name]).max())
                for name, values in found.outputs(file, signature["name"], "built_in").items()
            )
            print(
                f"{file}, {signature['name']}: up to {max(differences):.1e} from LiteRT's kernels, "
                f"{error:.1e} from float32"
            )
            assert max(differences) <= (TOLERANCE if recipe == "float32" else error)
