import hashlib
import io
import random
import shutil

import numpy as np
import pytest

from android_bench.bundle import open_bundle
from edgedipn_tf.commands import InputError
from tests.android_bench.tiny_bundle import arrays, read_manifest, rename, write_bundle, write_ladder, write_manifest


def refusal(folder):
    """Returns the line with which a bundle is refused."""
    with pytest.raises(InputError) as caught:
        open_bundle(folder)
    (line,) = str(caught.value).splitlines()
    return line


def test_a_whole_bundle_is_read(bundle_folder):
    bundle = open_bundle(bundle_folder)
    (file,) = bundle.files
    assert (bundle.model, bundle.commit, file.name, file.recipe) == ("edgedipn", None, "tiny_float32.tflite", "float32")
    assert file.inputs[0].shape == (1, 4, 3)
    assert bundle.files[0].samples.num_samples == 8
    assert bundle.files[0].samples.feed(9)["swipe"].shape == (1, 4, 3)
    assert bundle.files[0].samples.feed(9)["swipe"][0, 0, 0] == 2  # 9 wraps around to sample 1, whose ids are 2


def test_a_file_is_listed_once_for_each_measured_signature(tmp_path):
    files = open_bundle(write_ladder(tmp_path / "bundle")).files
    assert [(file.signature, file.max_length, file.num_signatures) for file in files] == [
        ("predict_2", 2, 3),
        ("predict_4", 4, 3),
    ]
    assert [file.samples.inputs["swipe"].shape for file in files] == [(8, 2, 3), (8, 4, 3)]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"samples": "benchmark/other.npz"}, "'benchmark/other.npz' is none of benchmark_samples"),
        ({"samples": None}, "samples is NoneType, expected str"),
        ({"kind": 3}, "kind is int, expected str"),
        ({"kind": "encode"}, "no files with a signature to measure"),
        ({"length": "4"}, "length is str, expected int"),
    ],
)
def test_a_signature_that_cannot_be_measured(bundle_folder, changed, message):
    manifest = read_manifest(bundle_folder)
    manifest["files"][0]["signatures"][0].update(changed)
    write_manifest(bundle_folder, manifest)
    assert message in refusal(bundle_folder)


def test_missing_folder_and_missing_file(bundle_folder, tmp_path):
    assert "has no manifest.json" in refusal(tmp_path / "nowhere")
    (bundle_folder / "tiny_float32.tflite").unlink()
    assert "tiny_float32.tflite is missing" in refusal(bundle_folder)


def test_missing_samples(bundle_folder):
    shutil.rmtree(bundle_folder / "benchmark")
    assert "samples.npz is missing" in refusal(bundle_folder)


def test_truncated_and_changed_file(bundle_folder):
    path = bundle_folder / "tiny_float32.tflite"
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    assert "truncated" in refusal(bundle_folder)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "was changed" in refusal(bundle_folder)


def test_changed_samples(bundle_folder):
    path = bundle_folder / "benchmark" / "samples.npz"
    path.write_bytes(path.read_bytes() + b"x")
    assert "samples.npz was changed" in refusal(bundle_folder)


def test_manifest_of_another_version_or_no_json(bundle_folder):
    manifest = read_manifest(bundle_folder)
    write_manifest(bundle_folder, {**manifest, "format_version": 1})
    assert "format version 1, this program reads 3: copy the bundle again, or make it again" in refusal(bundle_folder)
    write_manifest(bundle_folder, [manifest])
    assert "format version None" in refusal(bundle_folder)
    (bundle_folder / "manifest.json").write_text('{"format_version": 1,')
    assert "is not JSON" in refusal(bundle_folder)


@pytest.mark.parametrize("key", ["model", "files", "benchmark_samples", "schema_fingerprint"])
def test_missing_field_of_the_manifest(bundle_folder, key):
    manifest = read_manifest(bundle_folder)
    del manifest[key]
    write_manifest(bundle_folder, manifest)
    assert f"{key} is missing" in refusal(bundle_folder)


HOSTILE = ["../tiny.tflite", "/etc/passwd", "a b.tflite", "x;reboot", "$(reboot)", "-rf", "", "a\nb", ".hidden", "a/b"]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("key", ["name", "recipe", "signature"])
def test_a_name_that_is_not_plain(bundle_folder, key, name):
    manifest = read_manifest(bundle_folder)
    rename(manifest["files"][0], key, name)
    write_manifest(bundle_folder, manifest)
    assert "not a plain name" in refusal(bundle_folder)


def test_an_input_name_that_is_not_plain(bundle_folder):
    manifest = read_manifest(bundle_folder)
    manifest["files"][0]["signatures"][0]["inputs"][0]["name"] = "swipe:/etc/passwd"
    write_manifest(bundle_folder, manifest)
    assert "files[0].signatures[0].inputs[0].name" in refusal(bundle_folder)


@pytest.mark.parametrize("file", ["../samples.npz", "/etc/passwd", "benchmark//samples.npz", "benchmark/../x"])
def test_samples_outside_the_bundle(bundle_folder, file):
    manifest = read_manifest(bundle_folder)
    manifest["benchmark_samples"][0]["name"] = file
    write_manifest(bundle_folder, manifest)
    assert "not a plain path" in refusal(bundle_folder)


def test_a_link_that_leads_out(bundle_folder, tmp_path):
    path = bundle_folder / "tiny_float32.tflite"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert "leads out of the bundle" in refusal(bundle_folder)


@pytest.mark.parametrize("shape", [[], [2, 4, 3], [1, -4, 3], [1, "4", 3], [1, True, 3]])
def test_a_shape_that_is_none(bundle_folder, shape):
    manifest = read_manifest(bundle_folder)
    manifest["files"][0]["signatures"][0]["inputs"][0]["shape"] = shape
    write_manifest(bundle_folder, manifest)
    assert "is not a list of sizes" in refusal(bundle_folder)


def test_samples_that_do_not_fit_the_model(tmp_path, tflite):
    wrong = arrays()
    short = refusal(write_bundle(tmp_path / "a", tflite, swipe=wrong["swipe"][:, :3]))
    assert "swipe is int32 [8, 3, 3], tiny_float32.tflite needs int32 [8, 4, 3]" in short
    assert "swipe is int64" in refusal(write_bundle(tmp_path / "b", tflite, swipe=wrong["swipe"].astype(np.int64)))
    assert "profile is int32 [7, 6]" in refusal(write_bundle(tmp_path / "c", tflite, profile=wrong["profile"][:7]))


def replace_samples(folder, content):
    (folder / "benchmark" / "samples.npz").write_bytes(content)
    manifest = read_manifest(folder)
    manifest["benchmark_samples"][0]["sha256"] = hashlib.sha256(content).hexdigest()
    write_manifest(folder, manifest)


def test_samples_that_are_no_archive(bundle_folder):
    replace_samples(bundle_folder, b"no archive")
    assert "samples.npz is not a NumPy archive" in refusal(bundle_folder)
    replace_samples(bundle_folder, b"")
    assert "samples.npz is not a NumPy archive" in refusal(bundle_folder)


@pytest.mark.parametrize("key", ["label_realtime_purchase", "weight_leaf_category"])
def test_labels_that_are_none(tmp_path, tflite, key):
    good = arrays()[key]
    assert f"{key} holds other numbers than 0 and 1" in refusal(write_bundle(tmp_path / "a", tflite, **{key: good + 1}))
    assert f"{key} is float32" in refusal(write_bundle(tmp_path / "b", tflite, **{key: good.astype(np.float32)}))
    assert f"{key} is int8 [7, " in refusal(write_bundle(tmp_path / "c", tflite, **{key: good[:7]}))


def test_labels_and_where_they_are_known(bundle_folder):
    samples = open_bundle(bundle_folder).files[0].samples
    assert samples.labels["realtime_purchase"][:, 0].tolist() == [0, 0, 1, 0, 1, 1, 1, 0]
    assert samples.is_known["realtime_purchase"][:, 0].tolist() == [True] * 7 + [False]


def test_damaged_samples_are_one_line(bundle_folder):
    """Bytes changed at random, with a hash that fits, as a hostile bundle has it."""
    archive = io.BytesIO()
    np.savez_compressed(archive, **arrays())
    chance, outcomes = random.Random(3), set()
    for _ in range(400):
        content = bytearray(archive.getvalue())
        for _ in range(chance.choice([1, 2, 5])):
            content[chance.randrange(len(content))] = chance.randrange(256)
        replace_samples(bundle_folder, bytes(content))
        try:
            open_bundle(bundle_folder)
            outcomes.add("read")
        except InputError as error:
            assert "\n" not in str(error)
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_samples_without_an_input(bundle_folder, tmp_path):
    path = tmp_path / "fewer.npz"
    np.savez(path, **{name: array for name, array in arrays().items() if name != "profile"})
    replace_samples(bundle_folder, path.read_bytes())
    assert "has no array 'profile', which tiny_float32.tflite needs" in refusal(bundle_folder)
