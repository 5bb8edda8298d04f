"""The command, in process: exit codes, one-line errors, what is written and what is printed."""

import os
import re
import signal
import subprocess
import sys

import pytest

from android_bench import benchmark, phones, results_json
from android_bench.__main__ import run
from android_bench.latency import Verdict
from tests.android_bench.adb_device.server import attached
from tests.android_bench.adb_device.simulated import Faults, SimulatedDevice
from tests.android_bench.stand_in_runner import write_runner
from tests.android_bench.stand_in_tool import write_tool
from tests.android_bench.tiny_bundle import read_manifest, write_bundle, write_manifest


@pytest.fixture
def no_adb(monkeypatch):
    """A computer without adb, whatever this one has."""
    monkeypatch.setattr(phones, "find_adb", lambda called_off: None)


def report_in(folder):
    return results_json.read(folder)


def refused(capsys, arguments, reason):
    assert run(arguments) == 2
    error = capsys.readouterr().err
    assert re.search(reason, error)
    assert error.startswith("error: ") and error.count("\n") == 1


def test_help_teaches(capsys):
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    for word in (
        "--bundle  (required)",
        "host, not a phone",
        "Exit codes",
        "INCONCLUSIVE",
        "benchmark_model",
        "(50.0)",
    ):
        assert word.replace("(50.0)", "'50.0'") in text


def test_host_measurement_of_a_bundle_of_two_files(no_adb, tmp_path, tflite, capsys):
    folder = write_bundle(tmp_path / "bundle", tflite, names=("tiny_float32.tflite", "tiny_int8.tflite"))
    assert run([f"--bundle={folder}", f"--output={tmp_path}/out"]) == 0
    report = report_in(tmp_path / "out")
    assert [(case.file, len(case.samples_ms)) for case in report.cases] == [
        ("tiny_float32.tflite", 200),
        ("tiny_int8.tflite", 200),
    ]
    printed = capsys.readouterr().out
    assert "verdict (host, not a phone, 1 thread): PASS: tiny_int8.tflite at length 4 p90 " in printed
    assert "note: no phone was measured: adb is not installed" in printed
    assert f"results: {tmp_path}/out/results.json\nreport: {tmp_path}/out/report.html" in printed
    assert "✓ PASS" in (tmp_path / "out" / "report.html").read_text()


def test_a_slow_budget_is_still_a_measurement(no_adb, bundle_folder, tmp_path, capsys):
    assert run([f"--bundle={bundle_folder}", f"--output={tmp_path}/out", "--budget_ms=0.001"]) == 0
    (case,) = report_in(tmp_path / "out").cases
    assert case.verdicts["0.001"] is Verdict.FAIL  # no inference takes less than a microsecond
    assert case.verdicts["20"] is Verdict.PASS


def test_results_are_not_replaced_unasked(no_adb, bundle_folder, tmp_path, capsys):
    arguments = [f"--bundle={bundle_folder}", f"--output={tmp_path}/out", "--backend=host", "--num_runs=30"]
    assert run(arguments) == 0
    refused(capsys, arguments, "results.json exists: choose another --output, or pass --overwrite or --resume")
    assert run([*arguments, "--overwrite"]) == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "Flag --bundle must have a value"),
        (["--bundle=b", "--output=o", "--num_runs=0"], "num_runs"),
        (["--bundle=b", "--output=o", "--backend=cloud"], "backend"),
        (["--bundle=b", "--output=o", "--speed=9"], "Unknown command line flag 'speed'"),
        (["--bundle=b", "--output=o", "--serial=a", "--all"], "--serial and --all exclude each other"),
        (["--bundle=b", "--output=o", "--backend=host", "--all"], "--backend=host measures no device"),
        (["--bundle=b", "--output=o", "--affinity=best"], "affinity"),
        (["--bundle=b", "--output=o", "--delegate=gpu"], "--delegate needs --benchmark_model"),
        (["--bundle=b", "--output=o", "--num_threads=0"], "num_threads"),
        (["--bundle=b", "--output=o", "extra"], "unexpected argument 'extra'"),
        (["--bundle=/nowhere", "--output=o"], "/nowhere is not a bundle"),
        (["--bundle=b", "--output=/dev/null"], "/dev/null is not a folder"),
        (["--bundle=b", "--output=o", "--benchmark_model=/nowhere"], "/nowhere does not exist: get it from https"),
    ],
)
def test_flags_at_fault(capsys, arguments, reason):
    refused(capsys, arguments, reason)


def test_a_bundle_at_fault_is_one_line_and_writes_nothing(bundle_folder, tmp_path, capsys):
    manifest = read_manifest(bundle_folder)
    write_manifest(bundle_folder, {**manifest, "format_version": 7})
    refused(capsys, [f"--bundle={bundle_folder}", f"--output={tmp_path}/out"], "format version 7")
    assert not (tmp_path / "out").exists()


def test_adb_backend_without_adb_or_device(no_adb, bundle_folder, tmp_path, capsys):
    arguments = [f"--bundle={bundle_folder}", f"--output={tmp_path}/out", "--backend=adb"]
    refused(
        capsys, arguments, "no device can be measured: no phone was measured: adb is not installed; install Android's"
    )
    assert not (tmp_path / "out").exists()


def test_no_device_attached_is_a_note_on_auto_and_an_error_on_adb(adb_server, bundle_folder, tmp_path, capsys):
    arguments = [f"--bundle={bundle_folder}", f"--output={tmp_path}/out", f"--benchmark_model={write_tool(tmp_path)}"]
    assert run(arguments) == 0
    assert "note: no phone was measured: none is attached" in capsys.readouterr().out
    assert [case.backend for case in report_in(tmp_path / "out").cases] == ["host"]
    refused(capsys, [*arguments, "--backend=adb", "--overwrite"], "none is attached")
    assert report_in(tmp_path / "out").cases  # the earlier result is still there


def test_an_attached_device_is_measured_beside_the_host(adb_server, bundle_folder, tmp_path, capsys):
    arguments = [
        f"--bundle={bundle_folder}",
        f"--output={tmp_path}/out",
        "--num_tool_processes=30",
        "--affinity=unpinned",
    ]
    with attached(SimulatedDevice(tmp_path / "device")) as serial:
        assert run(arguments) == 0
        assert f"{serial} not measured: pass --benchmark_model=PATH" in capsys.readouterr().out
        assert run([*arguments, f"--benchmark_model={write_tool(tmp_path)}", "--overwrite"]) == 0
    report = report_in(tmp_path / "out")
    assert [(case.backend, case.verdicts["50"]) for case in report.cases] == [("host", "PASS"), ("adb", "PASS")]
    assert report.environment.adb_version.startswith("Version")
    printed = capsys.readouterr().out
    # 30 processes take samples 0 to 7 in turn: 1 to 6 ms come 4 times, 7 and 8 ms 3 times; rank 27 is the last 7 ms.
    assert (
        f"verdict (EdgeDIPN simulated test device ({serial}), 1 thread): PASS: "
        "tiny_float32.tflite at length 4 p90 7 ms (30 runs)" in printed
    )


def test_all_programs_on_the_host_and_on_a_device(adb_server, host_runner, bundle_folder, tmp_path, capsys):
    library = tmp_path / "libLiteRt.so"
    library.write_bytes(b"the stand-in opens nothing")
    programs = {
        "host_runner": host_runner,
        "benchmark_model": write_tool(tmp_path),
        "device_runner": write_runner(tmp_path),
        "device_library": library,
    }
    arguments = [f"--{flag}={path}" for flag, path in programs.items()]
    with attached(SimulatedDevice(tmp_path / "device")) as serial:
        how = ["--num_tool_processes=30", "--affinity=unpinned", "--num_runs=30", "--num_processes=1"]
        command = [f"--bundle={bundle_folder}", f"--output={tmp_path}/out", *how]
        assert run([*command, *arguments]) == 0
    report = report_in(tmp_path / "out")
    assert [case.backend for case in report.cases] == ["host", "host_runner", "adb", "adb_runner"]
    assert {case.verdicts["50"] for case in report.cases} == {Verdict.PASS}
    printed = capsys.readouterr().out
    assert (
        f"verdict (EdgeDIPN simulated test device ({serial}), native runner, 1 thread): PASS: "
        "tiny_float32.tflite at length 4 "
        "p90 7 ms (30 runs)"
    ) in printed
    assert "verdict (host, not a phone, native runner, 1 thread): PASS" in printed


def test_a_program_that_is_not_there(no_adb, bundle_folder, tmp_path, capsys):
    arguments = [f"--bundle={bundle_folder}", f"--output={tmp_path}/out"]
    there = write_runner(tmp_path)
    for flag in ("host_runner", "device_runner", "device_library", "benchmark_model"):
        refused(capsys, [*arguments, f"--{flag}=/nowhere/x"], f"--{flag}=/nowhere/x does not exist: ")
    for flag in ("device_runner", "device_library"):
        refused(capsys, [*arguments, f"--{flag}={there}"], "--device_runner and --device_library go together")
    assert not (tmp_path / "out").exists()


def test_sigterm_ends_it_and_is_the_processs_own_again(no_adb, bundle_folder, tmp_path, capsys, monkeypatch):
    former = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(benchmark, "measure_host", lambda *arguments: os.kill(os.getpid(), signal.SIGTERM))
    assert run([f"--bundle={bundle_folder}", f"--output={tmp_path}/out"]) == 130
    assert signal.getsignal(signal.SIGTERM) is former


def test_an_unauthorized_device_is_explained_and_the_others_are_measured(adb_server, bundle_folder, tmp_path, capsys):
    locked = SimulatedDevice(tmp_path / "locked", Faults(is_unauthorized=True))
    arguments = [
        f"--bundle={bundle_folder}",
        f"--benchmark_model={write_tool(tmp_path)}",
        "--num_tool_processes=2",
        "--affinity=unpinned",
    ]
    with attached(locked) as locked_serial:
        refused(
            capsys,
            [*arguments, f"--output={tmp_path}/out", "--backend=adb"],
            "state is 'unauthorized': unlock its screen and accept",
        )
        with attached(SimulatedDevice(tmp_path / "ready")) as serial:
            assert run([*arguments, f"--output={tmp_path}/out", "--backend=adb"]) == 0
    report = report_in(tmp_path / "out")
    assert [case.device.serial for case in report.cases] == [serial]
    assert locked_serial in report.notes[0]


def test_a_lost_device_keeps_the_host_result_and_ends_with_2(adb_server, bundle_folder, tmp_path, capsys):
    programs = [f"--benchmark_model={write_tool(tmp_path)}", "--affinity=unpinned"]
    arguments = [f"--bundle={bundle_folder}", f"--output={tmp_path}/out", *programs]
    with attached(SimulatedDevice(tmp_path / "device", Faults(vanish_on_command=re.compile("--num_runs=1 ")))):
        refused(capsys, arguments, r"1 of 2 cases are INVALID, first tiny_float32.tflite on EdgeDIPN simulated")
    host, lost = report_in(tmp_path / "out").cases
    assert (host.verdicts["50"], lost.verdicts["50"]) == (Verdict.PASS, Verdict.INVALID)


def test_ctrl_c_writes_nothing(no_adb, bundle_folder, tmp_path, capsys, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(benchmark, "measure_host", interrupted)
    assert run([f"--bundle={bundle_folder}", f"--output={tmp_path}/out"]) == 130
    assert "interrupted: nothing half-written was published" in capsys.readouterr().err
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_a_full_disk_is_one_line(no_adb, bundle_folder, tmp_path, capsys, monkeypatch):
    def disk_full(descriptor):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", disk_full)
    refused(capsys, [f"--bundle={bundle_folder}", f"--output={tmp_path}/out"], "No space left on device")
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_it_runs_without_tensorflow_and_the_rest_of_the_project(bundle_folder, tmp_path):
    code = (
        "import sys; from android_bench.__main__ import run;"
        f"code = run(['--bundle={bundle_folder}', '--output={tmp_path}/out', '--backend=host']);"
        "names = ('commands', 'publishing', 'ranking', 'charts', 'html_page');"
        "allowed = {'edgedipn_tf'} | {f'edgedipn_tf.{name}' for name in names};"
        "rooms = ('tensorflow', 'keras', 'edgedipn_tf', 'beam_pipelines');"
        "heavy = {name for name in sys.modules if name.split('.')[0] in rooms} - allowed;"
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
