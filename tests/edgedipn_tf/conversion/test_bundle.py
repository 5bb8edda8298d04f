"""A bundle is whole, or one line says what is wrong with it."""

import json
import pathlib
from collections.abc import Callable

import numpy as np
import pytest

from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion.bundle import BundleFile, BundleSignature, read_bundle, write_manifest, write_samples
from edgedipn_tf.conversion.parity import Labels
from edgedipn_tf.conversion.signatures import SignatureKey
from edgedipn_tf.conversion.tflite_file import Operator
from edgedipn_tf.publishing import file_sha256, write_json
from edgedipn_tf.schema import edgedipn_schema
from edgedipn_tf.schema_files import read_schema
from edgedipn_tf.vocabulary import Vocabulary

SCHEMA = edgedipn_schema("UTC", "test")
VOCABULARY = Vocabulary.from_counts(SCHEMA, {"browse_page": {"home": 9}}, 1)
TFLITE = pathlib.Path(__file__).parents[2] / "testdata" / "tiny_ladder.tflite"  # signatures predict_2 and predict_4
INPUTS = {"history": np.arange(4).reshape(2, 2)}
EXPECTED = {"realtime_purchase": np.array([[0.25], [0.5]])}
LABELS = Labels(
    {"realtime_purchase": np.array([[0.0], [1.0]]), "not_of_this_model": np.zeros((2, 1))},
    {"realtime_purchase": np.array([[1.0], [0.0]]), "not_of_this_model": np.ones((2, 1))},
)


def inputs_of(length: int) -> list[dict[str, object]]:
    return [
        {"name": "profile", "dtype": "int32", "shape": [1, 6]},
        {"name": "swipe", "dtype": "int32", "shape": [1, length, 3]},
    ]


OUTPUTS = [
    {"name": "leaf_category", "dtype": "float32", "shape": [1, 2]},
    {"name": "realtime_purchase", "dtype": "float32", "shape": [1, 1]},
]
OPERATORS = [Operator(name, 1) for name in ("CAST", "LOGISTIC", "MEAN", "PACK", "RESHAPE", "STRIDED_SLICE", "SUB")]


def write_bundle(folder: pathlib.Path) -> pathlib.Path:
    folder.mkdir()
    (folder / "m_float32.tflite").write_bytes(TFLITE.read_bytes())
    write_json(folder / "schema.json", {**SCHEMA.to_json(), "fingerprint": SCHEMA.fingerprint})
    write_json(folder / "vocabulary.json", VOCABULARY.to_json())
    write_json(folder / "parity.json", {"num_samples": 2})
    samples = write_samples(folder, SignatureKey("predict", 4), INPUTS, EXPECTED, LABELS)
    description = {
        "model": "m",
        "max_length": 4,
        "graph": {"form": "plain", "reason": "a test", "largest_score": None},
        "schema_fingerprint": SCHEMA.fingerprint,
        "vocabulary_fingerprint": VOCABULARY.fingerprint,
        "project_version": "1",
        "commit": None,
        "intents": [{"name": "realtime_purchase", "metric": "RPAUC", "num_places": 1}],
    }
    signatures = [
        BundleSignature(SignatureKey("predict", length), inputs_of(length), OUTPUTS, samples if length == 4 else None)
        for length in (2, 4)
    ]
    file = BundleFile("m_float32.tflite", "float32", signatures, OPERATORS, "1.14.0", is_degraded=False)
    write_manifest(folder, description, [file])
    return folder


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    return write_bundle(tmp_path / "bundle")


def test_the_manifest_describes_every_file(folder: pathlib.Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["format_version"] == 3
    assert manifest["max_length"] == 4
    of_two, of_four = manifest["files"][0].pop("signatures")
    assert (of_two["name"], of_two["length"], of_two["samples"]) == ("predict_2", 2, None)
    assert of_four == {
        "name": "predict_4",
        "kind": "predict",
        "length": 4,
        "inputs": [{**tensor, "unit": "id"} for tensor in inputs_of(4)],
        "outputs": [{**tensor, "unit": "probability"} for tensor in OUTPUTS],
        "samples": "benchmark/predict_4.npz",
    }
    assert manifest["files"] == [
        {
            "name": "m_float32.tflite",
            "recipe": "float32",
            "sha256": file_sha256(folder / "m_float32.tflite"),
            "size_bytes": TFLITE.stat().st_size,
            "operators": [{"name": operator.name, "version": 1} for operator in OPERATORS],
            "minimum_runtime": "1.14.0",
            "is_degraded": False,
        }
    ]
    path = folder / "benchmark/predict_4.npz"
    assert manifest["benchmark_samples"] == [
        {"name": "benchmark/predict_4.npz", "sha256": file_sha256(path), "size_bytes": path.stat().st_size}
    ]


def test_samples_are_int32_inputs_and_float32_expectations_by_name(folder: pathlib.Path) -> None:
    with np.load(folder / "benchmark/predict_4.npz", allow_pickle=False) as samples:
        names = [f"{prefix}_realtime_purchase" for prefix in ("expected", "label", "weight")]
        assert set(samples.files) == {"history", *names}
        assert samples["history"].dtype == np.int32 and samples["history"].tolist() == [[0, 1], [2, 3]]
        for name, values in (("label", [[0], [1]]), ("weight", [[1], [0]])):
            assert samples[f"{name}_realtime_purchase"].dtype == np.int8
            assert samples[f"{name}_realtime_purchase"].tolist() == values
        assert samples["expected_realtime_purchase"].dtype == np.float32
        assert samples["expected_realtime_purchase"].tolist() == [[0.25], [0.5]]


def test_a_whole_bundle_is_read(folder: pathlib.Path) -> None:
    found = read_bundle(folder)
    assert found.schema == SCHEMA
    assert found.recipes == ("float32",)


def test_equal_content_gives_equal_bytes(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    other = write_bundle(tmp_path / "other")
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert len(names) == 6
    assert [(folder / name).read_bytes() for name in names] == [(other / name).read_bytes() for name in names]


def test_an_app_may_leave_the_samples_out(folder: pathlib.Path) -> None:
    (folder / "benchmark/predict_4.npz").unlink()
    (folder / "benchmark").rmdir()
    assert read_bundle(folder).manifest["model"] == "m"


@pytest.mark.parametrize(
    "name", ["m_float32.tflite", "schema.json", "vocabulary.json", "parity.json", "benchmark/predict_4.npz"]
)
def test_a_changed_or_missing_file_is_named(folder: pathlib.Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name} is not the file that manifest.json describes.*make the bundle again"):
        read_bundle(folder)
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name} is missing from the bundle"):
        read_bundle(folder)


def change_manifest(folder: pathlib.Path, **values: object) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    write_json(folder / "manifest.json", {**manifest, **values})


@pytest.mark.parametrize("what", ["schema", "vocabulary"])
def test_another_fingerprint_names_both(folder: pathlib.Path, what: str) -> None:
    own = {"schema": SCHEMA.fingerprint, "vocabulary": VOCABULARY.fingerprint}[what]
    change_manifest(folder, **{f"{what}_fingerprint": "0123456789abcdef"})
    with pytest.raises(InputError, match=f"{what}.json has the fingerprint {own}.* says 0123456789abcdef"):
        read_bundle(folder)


def test_another_format_version_is_refused(folder: pathlib.Path) -> None:
    change_manifest(folder, format_version=1)
    with pytest.raises(InputError, match="format version 1, not 3"):
        read_bundle(folder)


def test_an_unknown_graph_is_refused(folder: pathlib.Path) -> None:
    change_manifest(folder, graph={"form": "guess", "reason": None, "largest_score": None})
    with pytest.raises(InputError, match="names the graph 'guess', not one of inference, plain: make the bundle again"):
        read_bundle(folder)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda file: file["signatures"].pop(), "signatures"),
        (lambda file: file["signatures"][0].update(name="predict_3"), "signatures"),
        (lambda file: file["signatures"][0]["inputs"][1]["shape"].reverse(), "signatures"),
        (lambda file: file["signatures"][1]["inputs"][0].update(dtype="int64"), "signatures"),
        (lambda file: file["signatures"][1]["outputs"].pop(), "signatures"),
        (lambda file: file["operators"][0].update(version=2), "operators"),
        (lambda file: file["operators"].pop(), "operators"),
        (lambda file: file.update(minimum_runtime="2.0.0"), "minimum runtime"),
    ],
)
def test_a_file_that_is_not_what_the_manifest_says_is_refused(
    folder: pathlib.Path, change: Callable[[dict], None], what: str
) -> None:
    files = json.loads((folder / "manifest.json").read_text())["files"]
    change(files[0])
    change_manifest(folder, files=files)
    with pytest.raises(InputError, match=f"m_float32.tflite has other {what} than manifest.json says: make the bundle"):
        read_bundle(folder)


@pytest.mark.parametrize("content", [b"", b"weights", TFLITE.read_bytes()[:900]])
def test_bytes_that_are_no_tflite_file_are_one_line(folder: pathlib.Path, content: bytes) -> None:
    (folder / "m_float32.tflite").write_bytes(content)
    files = json.loads((folder / "manifest.json").read_text())["files"]
    files[0]["sha256"] = file_sha256(folder / "m_float32.tflite")
    change_manifest(folder, files=files)
    with pytest.raises(InputError, match="m_float32.tflite (is no TFLite file|has other signatures)") as error:
        read_bundle(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "values", [{"graph": None}, {"graph": {}}, {"files": [{}]}, {"files": 3}, {"benchmark_samples": None}]
)
def test_a_damaged_manifest_is_one_line(folder: pathlib.Path, values: dict[str, object]) -> None:
    change_manifest(folder, **values)
    with pytest.raises(InputError, match="manifest.json is damaged"):
        read_bundle(folder)


def test_a_manifest_that_is_not_an_object_is_refused(folder: pathlib.Path) -> None:
    (folder / "manifest.json").write_text("[]")
    with pytest.raises(InputError, match="format version None"):
        read_bundle(folder)


def test_a_folder_without_manifest_is_no_bundle(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="manifest.json.*does not exist"):
        read_bundle(tmp_path)


def test_a_schema_whose_content_was_changed_is_refused(tmp_path: pathlib.Path) -> None:
    write_json(tmp_path / "schema.json", {**SCHEMA.to_json(), "fingerprint": "0123456789abcdef"})
    with pytest.raises(InputError, match="schema.json was changed"):
        read_schema(tmp_path / "schema.json", "remedy")
    (tmp_path / "schema.json").write_text('{"views": 3}')
    with pytest.raises(InputError, match="schema.json is not a schema.*: remedy"):
        read_schema(tmp_path / "schema.json", "remedy")
