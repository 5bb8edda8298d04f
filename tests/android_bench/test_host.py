import hashlib
import time

import numpy as np
import pytest

from android_bench.bundle import open_bundle
from android_bench.host import LoadedModel, compare_outputs, measure_host
from android_bench.latency import Verdict
from android_bench.results import Condition
from edgedipn_tf.commands import InputError
from tests.android_bench.sessions import cells, settings
from tests.android_bench.tiny_bundle import arrays, read_manifest, write_bundle, write_ladder, write_manifest


def measure(folder, **how):
    (cell,) = cells(open_bundle(folder), "host")
    return measure_host(cell, settings(**how))


def test_outputs_are_reached_by_their_signature_names(bundle_folder):
    bundle = open_bundle(bundle_folder)
    outputs, latency_ms = LoadedModel(bundle.files[0], num_threads=1).run(bundle.files[0].samples.feed(1))
    # Sample 1: all ids are 2, so s - p = 0.
    assert outputs["realtime_purchase"][0, 0] == pytest.approx(0.5)
    assert outputs["leaf_category"][0] == pytest.approx([1 / (1 + np.exp(-2.0))] * 2)
    assert latency_ms > 0


def test_tensor_names_come_in_the_order_of_the_graph(bundle_folder):
    names = LoadedModel(open_bundle(bundle_folder).files[0], num_threads=1).tensor_names()
    assert list(names) == ["profile", "swipe"]  # the converter sorts; the manifest lists swipe first
    assert all(name in tensor_name for name, tensor_name in names.items())


def test_each_length_runs_its_own_graph(tmp_path):
    for file in open_bundle(write_ladder(tmp_path / "bundle")).files:
        model = LoadedModel(file, num_threads=1)
        assert [name.rpartition("_")[2] for name in model.tensor_names().values()] == ["profile:0", "swipe:0"]
        assert compare_outputs(model, file.samples).largest < 1e-6
        wrong = {**file.samples.feed(0), "swipe": np.zeros((1, 6 - file.max_length, 3), np.int32)}  # the other's
        with pytest.raises(ValueError, match="Dimension mismatch|dimension mismatch|Cannot set tensor"):
            model.run(wrong)


def test_every_run_is_recorded_and_warm_up_is_apart(bundle_folder):
    case = measure(bundle_folder, num_runs=200)
    (process,) = case.processes
    assert (len(process.samples_ms), len(process.warmup_ms)) == (200, 3)
    assert process.first_ms > 0 and process.load_ms > 0
    assert all(sample > 0 for sample in case.samples_ms)
    assert case.summary.num_samples == 200
    assert case.verdicts == {"20": Verdict.PASS, "50": Verdict.PASS}  # a mean of 12 numbers takes microseconds
    assert case.machine == "host, not a phone"
    assert (case.backend, case.device, case.problem) == ("host", None, None)


def test_a_pace_is_kept(bundle_folder):
    (cell,) = cells(open_bundle(bundle_folder), "host", Condition(interval_ms=20.0))
    start = time.monotonic()
    assert len(measure_host(cell, settings(num_runs=6)).samples_ms) == 6
    assert time.monotonic() - start >= 0.1  # the sixth run starts 5 * 20 ms after the first


def test_parity_is_the_largest_difference_by_intent(tmp_path, tflite):
    expected = arrays()["expected_leaf_category"].copy()
    expected[5, 1] += 0.25
    bundle = open_bundle(write_bundle(tmp_path / "bundle", tflite, expected_leaf_category=expected))
    parity = compare_outputs(LoadedModel(bundle.files[0], 1), bundle.files[0].samples)
    assert parity.num_samples == 8
    assert parity.max_abs_difference["leaf_category"] == pytest.approx(0.25, abs=1e-6)
    assert parity.max_abs_difference["realtime_purchase"] < 1e-6
    assert parity.largest == parity.max_abs_difference["leaf_category"]


def test_a_result_that_is_no_number_never_passes(tmp_path, tflite):
    expected = arrays()["expected_leaf_category"].copy()
    expected[0, 0] = np.nan
    case = measure(write_bundle(tmp_path / "bundle", tflite, expected_leaf_category=expected))
    assert case.parity.largest is None
    assert case.verdicts == {"20": Verdict.INVALID, "50": Verdict.INVALID}
    assert "not a finite number" in case.problem


def test_a_file_that_is_no_model(tmp_path):
    bundle = open_bundle(write_bundle(tmp_path / "bundle", b"not a model, but its SHA-256 is right"))
    with pytest.raises(InputError, match="LiteRT cannot load it"):
        LoadedModel(bundle.files[0], 1)


def test_a_manifest_that_describes_another_model(bundle_folder):
    manifest = read_manifest(bundle_folder)
    file = manifest["files"][0]["signatures"][0]
    file["outputs"][0]["name"], file["outputs"][1]["name"] = "leaf_category", "realtime_purchase"
    samples = arrays()
    names = ("leaf_category", "realtime_purchase")
    swapped = {
        f"{kind}_{name}": samples[f"{kind}_{other}"]
        for kind in ("expected", "label", "weight")
        for name, other in (names, names[::-1])
    }
    path = bundle_folder / "benchmark" / "samples.npz"
    np.savez(path, **{**samples, **swapped})
    manifest["benchmark_samples"][0]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    write_manifest(bundle_folder, manifest)
    with pytest.raises(InputError, match="outputs 'leaf_category' is .*1, 2.*the manifest says .*1, 1"):
        LoadedModel(open_bundle(bundle_folder).files[0], 1)


def test_a_signature_that_is_absent(bundle_folder):
    manifest = read_manifest(bundle_folder)
    manifest["files"][0]["signatures"][0]["name"] = "serving_default"
    write_manifest(bundle_folder, manifest)
    with pytest.raises(InputError, match="has no signature 'serving_default'"):
        LoadedModel(open_bundle(bundle_folder).files[0], 1)
