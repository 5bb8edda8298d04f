import dataclasses
import errno
import json
import os

import pytest

from android_bench import results_json
from android_bench.benchmark_model_output import RunStatistics, ToolOutput
from android_bench.latency import LatencySummary, Verdict
from android_bench.operator_profile import OperatorTime
from android_bench.results import (
    Auc,
    BundleInfo,
    CaseResult,
    Condition,
    DeviceInfo,
    DeviceState,
    Environment,
    Parity,
    ProcessRun,
    Report,
    Settings,
)
from edgedipn_tf.commands import InputError

DEVICE = DeviceInfo("SERIAL", "Maker", "Model", "S1", ("arm64-v8a",), "14", 34, "a/build", "6.1", (1800, None))
STATE = DeviceState(100.5, "boot", "3", 80, True, 27.5, 0, {"skin": 31.5}, True, False, (1800, None), (300, None))
HOST_CASE = CaseResult(
    bundle_model="edgedipn",
    file="tiny.tflite",
    recipe="int8",
    sha256="0" * 64,
    size_bytes=1_234_567,
    max_length=64,
    backend="host",
    device=None,
    condition=Condition(),
    program_sha256={},
    affinity_mask=None,
    processes=(ProcessRun(0, (1.0, 2.0, 3.25), 9.0, (4.0,), 1.5),),
    states=(),
    summary=LatencySummary(3, 2.0, 3.25, 2.0, 3.25),
    verdicts={"20": Verdict.INCONCLUSIVE, "50": Verdict.PASS},
    parity=Parity(8, {"realtime_purchase": 0.001, "leaf_category": 0.0025}),
    host_difference=None,
    auc=None,
    tool_summary=None,
    operator_profile=None,
    notes=(),
    problem=None,
)
DEVICE_CASE = dataclasses.replace(
    HOST_CASE,
    backend="adb",
    device=DEVICE,
    condition=Condition(num_threads=2, is_pinned=True),
    affinity_mask="f0",
    processes=(),
    states=(STATE,),
    summary=None,
    verdicts={"20": Verdict.INVALID, "50": Verdict.INVALID},
    parity=None,
    tool_summary=ToolOutput(None, RunStatistics(count=200), 2.5, None, 1.0, {"peak": 3.0}, (), ("XNNPACK",), ()),
    notes=("the screen was off",),
    problem="device SERIAL: benchmark_model did not finish: the connection ended early",
)
RUNNER_CASE = dataclasses.replace(
    HOST_CASE,
    backend="host_runner",
    condition=Condition(interval_ms=1000.0),
    program_sha256={"runner": "2" * 64},
    processes=(ProcessRun(0, (1.0, 2.0, 3.25), 9.0, (), 1.5, 2.5, (0, 1, 0), 1, 19_000),),
    host_difference=Parity(8, {"realtime_purchase": 0.0}),
    operator_profile=(OperatorTime("FULLY_CONNECTED", 12, 81.25, 1.5), OperatorTime("TANH", 3, 18.75, 0.346)),
    auc={"realtime_purchase": Auc(7, 0.75, 0.75, 0.7375), "leaf_category": Auc(16, None, None, None)},
)
REPORT = Report(
    format_version=5,
    started_at="2026-01-02T03:04:05+00:00",
    bundles=(BundleInfo("bundle", "1" * 64, "edgedipn", "0.1.0", None, "schema", "vocabulary"),),
    environment=Environment("Linux", "a processor", 2, "3.11", "2.3.0", None),
    settings=Settings(200, 10, 3, 50, 20, 50.0, 1.25, 38.0, 300.0),
    notes=("no phone was measured: none is attached",),
    cases=(HOST_CASE, DEVICE_CASE, RUNNER_CASE),
)


def test_json_both_ways():
    assert results_json.from_json(results_json.to_json(REPORT)) == REPORT


def test_json_is_plain_and_keeps_every_sample():
    values = json.loads(results_json.to_json(REPORT))
    assert values["cases"][0]["processes"][0]["samples_ms"] == [1.0, 2.0, 3.25]
    assert values["cases"][0]["verdicts"] == {"20": "INCONCLUSIVE", "50": "PASS"}


def test_a_case_both_ways():
    for case in REPORT.cases:
        assert results_json.case_from_json(results_json.case_to_json(case), "x") == case


def changed(**fields):
    return json.dumps({**json.loads(results_json.to_json(REPORT)), **fields})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not JSON"),
        ("[]", "format version None"),
        (changed(format_version=4), "format version 4, this program reads 5"),
        (changed(surprise=1), "unknown field 'surprise'"),
        (changed(cases=[{}]), r"cases\[0\]: missing or unknown field"),
        (changed(notes=[1]), r"notes\[0\] is int, expected str"),
        (changed(notes="text"), "notes is str, expected list"),
        (results_json.to_json(REPORT).replace('"PASS"', '"PERFECT"'), "is 'PERFECT', which is none of PASS"),
    ],
)
def test_what_is_no_report_is_refused(text, reason):
    with pytest.raises(InputError, match=reason):
        results_json.from_json(text)


def test_largest_difference():
    assert HOST_CASE.parity.largest == 0.0025
    assert Parity(8, {"a": 0.1, "b": None}).largest is None
    assert not Parity(8, {"a": 0.1, "b": None}).is_finite


def test_write_is_whole_or_not_at_all(tmp_path, monkeypatch):
    path = results_json.write(REPORT, tmp_path / "new" / "folder")
    before = path.read_bytes()
    assert results_json.from_json(before) == REPORT

    def disk_full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space left"):
        results_json.write(dataclasses.replace(REPORT, notes=()), path.parent)
    assert [entry.name for entry in path.parent.iterdir()] == ["results.json"]
    assert path.read_bytes() == before
