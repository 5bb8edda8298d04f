"""Benchmarks over the real adb program on simulated devices. No figure here is a phone's: a script prints them."""

import pathlib
import re
import shlex

import pytest

from android_bench import device_tool
from android_bench.device import REMOTE_FOLDER
from android_bench.device_state import INFO_SCRIPT, STATE_SCRIPT
from android_bench.latency import Verdict
from android_bench.results import Condition
from android_bench.session import DevicePrograms
from tests.android_bench.adb_device.simulated import Faults
from tests.android_bench.sessions import measure, settings
from tests.android_bench.stand_in_tool import write_tool
from tests.android_bench.tiny_bundle import write_bundle, write_ladder


def measure_with(tmp_path, folder, tool, faults=None, how=None):
    return measure(
        tmp_path, folder, DevicePrograms(benchmark_model=tool), faults=faults, how=how or settings(num_runs=200)
    )


@pytest.fixture(scope="module")
def good_run(adb_server, tmp_path_factory, tflite):
    folder = tmp_path_factory.mktemp("good_run")
    return measure(
        folder,
        write_bundle(folder / "bundle", tflite),
        DevicePrograms(benchmark_model=write_tool(folder)),
        Condition(num_threads=2),
        how=settings(num_runs=200, num_warmup_runs=10, num_tool_processes=32),
    )


def test_each_process_gives_one_latency_of_its_own_sample(good_run):
    (case,) = good_run[0]
    # The stand-in's latency is the first swipe id in ms: samples 0 to 7 have 1 to 8, and processes take them in turn;
    # turns of ten processes are shuffled.
    assert sorted(case.samples_ms) == sorted((1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0) * 4)
    assert [len(process.samples_ms) for process in case.processes] == [1] * 32
    assert (case.summary.p50_ms, case.summary.p90_ms) == (4.0, 8.0)  # ranks 16 and 29 of 32
    assert case.verdicts == {"20": Verdict.PASS, "50": Verdict.PASS}
    assert case.problem is None


def test_the_tools_own_summary_is_recorded_beside_them(good_run):
    (case,) = good_run[0]
    assert case.tool_summary.measured.count == 200
    assert case.tool_summary.measured.average_ms == 1.0
    assert (case.processes[0].load_ms, case.processes[0].first_ms) == (2.5, 9000.0)


def test_a_simulated_device_is_named_as_what_it_is(good_run):
    (case,) = good_run[0]
    assert (case.backend, case.device.model) == ("adb", "simulated test device")
    assert case.machine.startswith("EdgeDIPN simulated test device (127.0.0.1:")


def test_the_command_line_is_the_standard_tools(good_run):
    command = next(line for line in good_run[1].commands if "--num_runs=1 " in line)
    assert " --num_threads=2 " in command
    assert "--signature_to_run_for" not in command  # the only one; older tools do not know the flag
    assert " --min_secs=0 " in command
    assert " --warmup_runs=10 --warmup_min_secs=0 " in command
    assert "--input_layer_shape=1,6:1,4,3 " in command  # in the graph's order: profile, swipe
    names = re.search(r"--input_layer=(\S+)", command)[1].strip("'").split(",")
    files = re.search(r"--input_layer_value_files=(\S+)", command)[1].strip("';").split(",")
    assert all(file.startswith(name.replace(":", "::") + ":/") for name, file in zip(names, files, strict=True))


def test_each_length_of_a_file_is_named_to_the_tool(adb_server, tmp_path):
    cases, simulated = measure_with(tmp_path, write_ladder(tmp_path / "bundle"), write_tool(tmp_path))
    assert [(case.max_length, case.problem) for case in cases] == [(2, None), (4, None)]
    commands = [line for line in simulated.commands if "--num_runs=1 " in line]
    for length in (2, 4):
        (shape,) = {
            re.search(r"--input_layer_shape=(\S+)", line)[1]
            for line in commands
            if f" --signature_to_run_for=predict_{length} " in line
        }
        assert shape == f"1,6:1,{length},3"


def test_nothing_is_left_and_nothing_lies_outside_the_folder(good_run):
    simulated = good_run[1]
    assert simulated.files() == []
    for command in simulated.commands:
        assert len(command) < 4096  # the longest that reaches an Android before 7
        if any(shlex.quote(script) in command for script in (INFO_SCRIPT, STATE_SCRIPT)):
            continue  # these two only read
        for path in re.findall(r"(?<![\w/])/[\w./\[\]-]+", command):
            assert path.replace("[e]", "e").startswith(REMOTE_FOLDER) or command.startswith("df "), command


TOOL_FAULTS = {
    "wrong exit code": ("print(good); sys.exit(3)", "failed with exit code 3"),
    "killed by a signal": ("print(good, flush=True); import os; os.kill(os.getpid(), 9)", "failed with exit code 137"),
    "garbage": ("sys.stdout.buffer.write(bytes(range(256)) * 9)", "holds no statistics of measured runs"),
    "nothing": ("", "holds no statistics of measured runs"),
    "only the warm-up": ("print(good.split('INFO: Running')[1])", "holds no statistics of measured runs"),
    "failure that exits with 0": ("print(good); print('ERROR: Benchmarking failed.')", "Benchmarking failed"),
    "unknown flag": (
        "print(good); print('WARN: Unconsumed cmdline flags: --input_layer_value_files=x')",
        "does not know --input_layer_value_files",
    ),
    "cut off by its time limit": ("print(good.replace('count=200', 'count=17'))", "measured 17 of 200 runs"),
    "many runs instead of one": (
        "print(good.replace('count=1 ', 'count=50 '))",
        "no single latency: it measured 50 runs instead of 1",
    ),
    "latency of 0": ("print(good.replace('curr=1000', 'curr=0'))", "no latency above 0"),
    "input refused": ("sys.exit('FATAL: input size')", "failed with exit code 1: FATAL: input size"),
}


@pytest.mark.parametrize(("ending", "reason"), TOOL_FAULTS.values(), ids=TOOL_FAULTS)
def test_no_fault_of_the_tool_gives_a_verdict(adb_server, tmp_path, bundle_folder, ending, reason):
    (case,), simulated = measure_with(tmp_path, bundle_folder, write_tool(tmp_path, ending))
    assert reason in case.problem
    assert set(case.verdicts.values()) == {Verdict.INVALID}
    assert case.summary is None
    assert simulated.files() == []


def test_a_tool_that_hangs_is_stopped_and_gives_no_verdict(adb_server, tmp_path, bundle_folder, monkeypatch):
    monkeypatch.setattr(device_tool, "_PROCESS_LIMIT_S", 1.0)
    pid_file = tmp_path / "pid"
    hangs = f"import os; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    (case,), simulated = measure_with(tmp_path, bundle_folder, write_tool(tmp_path, hangs))
    command_line = pathlib.Path(f"/proc/{pid_file.read_text()}/cmdline")
    assert not command_line.exists() or command_line.read_bytes() == b""  # gone, or a zombie nobody waits for
    assert "adb shell did not end within 1 s" in case.problem
    assert set(case.verdicts.values()) == {Verdict.INVALID}
    assert simulated.files() == []


PROFILES = {
    "printed": ("print(good)", 2, None),
    "left out": ("print(good.removesuffix(PROFILE))", None, "this benchmark_model printed none"),
    "refused": (
        "print(good); sys.exit('unknown flag' if PROFILE in good else 0)",
        None,
        "benchmark_model --enable_op_profiling failed with exit code 1: unknown flag",
    ),
}


@pytest.mark.parametrize(("ending", "num_types", "reason"), PROFILES.values(), ids=PROFILES)
def test_operators_are_profiled_in_a_process_of_its_own(adb_server, tmp_path, bundle_folder, ending, num_types, reason):
    how = settings(num_runs=200, num_profiled_runs=7)
    (case,), simulated = measure_with(tmp_path, bundle_folder, write_tool(tmp_path, ending), how=how)
    profiled = [command for command in simulated.commands if "--enable_op_profiling=true" in command]
    assert len(profiled) == 1 and "--num_runs=7 " in profiled[0]
    assert case.problem is None and len(case.samples_ms) == 3  # no latency of it counts, and no verdict rests on it
    assert len(case.operator_profile) == num_types if num_types else case.operator_profile is None
    assert [note for note in case.notes if "profile" in note] == ([f"no operator profile: {reason}"] if reason else [])


def test_a_device_lost_in_the_profile_gives_no_verdict(adb_server, tmp_path, bundle_folder):
    faults = Faults(vanish_on_command=re.compile("--enable_op_profiling"))
    how = settings(num_runs=200, num_profiled_runs=7)
    (case,), _ = measure_with(tmp_path, bundle_folder, write_tool(tmp_path), faults, how)
    assert "did not finish" in case.problem and set(case.verdicts.values()) == {Verdict.INVALID}


DEVICE_FAULTS = {
    "vanishes in the benchmark": (Faults(vanish_on_command=re.compile("--graph=")), "did not finish"),
    "vanishes in a push": (Faults(vanish_on_push=True), "push of"),
    "vanishes at once": (Faults(vanish_on_command=re.compile("getprop")), "sh did not finish"),
    "disk full": (Faults(free_bytes=100), "No space left on device"),
    "push cut short": (Faults(kept_bytes=100), "arrived changed"),
}


@pytest.mark.parametrize(("faults", "reason"), DEVICE_FAULTS.values(), ids=DEVICE_FAULTS)
def test_no_fault_of_the_device_gives_a_verdict(adb_server, tmp_path, bundle_folder, faults, reason):
    (case,), _ = measure_with(tmp_path, bundle_folder, write_tool(tmp_path), faults)
    assert reason in case.problem
    assert set(case.verdicts.values()) == {Verdict.INVALID}
    assert case.samples_ms == ()


def test_a_device_lost_half_way_keeps_its_samples_but_gives_no_verdict(adb_server, tmp_path, bundle_folder):
    # Every file of a sample is named in the one command that measures it; of all others only push and clean-up name it.
    third_run = re.compile(r"--num_runs=1 .*-swipe-2\.bin")
    (case,), _ = measure_with(tmp_path, bundle_folder, write_tool(tmp_path), Faults(vanish_on_command=third_run))
    assert case.samples_ms == (1.0, 2.0)
    assert case.summary is None
    assert set(case.verdicts.values()) == {Verdict.INVALID}


def test_the_next_file_is_tried_after_a_fault(adb_server, tmp_path, tflite):
    folder = write_bundle(tmp_path / "bundle", tflite, names=("tiny_float32.tflite", "tiny_int8.tflite"))
    fails_once = """
        import os
        marker = sys.argv[0] + "-marker"
        if os.path.exists(marker):
            print(good)
        else:
            open(marker, "w").close()
            sys.exit(5)
    """
    (first, second), _ = measure_with(tmp_path, folder, write_tool(tmp_path, fails_once))
    assert "exit code 5" in first.problem
    assert (second.problem, second.samples_ms) == (None, (1.0, 2.0, 3.0))
    assert set(second.verdicts.values()) == {Verdict.INCONCLUSIVE}  # three samples are too few to judge


FULL = "Explicitly applied GPU delegate, and the model graph will be completely executed by the delegate."
DELEGATES = {
    "whole graph": (f"INFO: {FULL}", None),
    "part of it": (
        "INFO: Explicitly applied GPU delegate, and the model graph will be partially executed by the delegate w/ 3 "
        "delegate kernels.",
        "the GPU delegate does not run the whole graph",
    ),
    "none of it": (
        "INFO: Though GPU delegate is explicitly applied, the model graph will not be executed by the delegate.",
        "did not apply the GPU delegate",
    ),
    "no delegate": ("INFO: Created TensorFlow Lite XNNPACK delegate for CPU.", "did not apply the GPU delegate"),
    "another one": (f"INFO: {FULL.replace('GPU', 'NNAPI')}", "did not apply the GPU delegate"),
}


@pytest.mark.parametrize(("line", "reason"), DELEGATES.values(), ids=DELEGATES)
def test_a_delegate_counts_only_when_it_runs_the_whole_graph(adb_server, tmp_path, bundle_folder, line, reason):
    programs = DevicePrograms(benchmark_model=write_tool(tmp_path, f"print({line!r}); print(good)"))
    (case,), simulated = measure(
        tmp_path, bundle_folder, programs, Condition(delegate="gpu"), how=settings(num_runs=200)
    )
    run = next(command for command in simulated.commands if "--graph=" in command)
    assert " --use_gpu=true;" in run
    assert case.condition.label == "1 thread, gpu"
    if reason is None:
        assert case.problem is None and case.tool_summary.delegates == (FULL,)
    else:
        assert reason in case.problem and set(case.verdicts.values()) == {Verdict.INVALID}
