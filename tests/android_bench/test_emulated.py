"""The Android build of the runner on emulated arm64: its outputs against this computer's. Never timed.

`EDGEDIPN_BUNDLE` may name a bundle of the converter; without it only the tiny model runs.
"""

import os
import pathlib

import pytest

from android_bench import build_runner, outputs
from android_bench.bundle import Bundle, open_bundle
from android_bench.native_runner import options, tensor_arguments, write_inputs
from android_bench.results import Condition
from android_bench.runner_output import parse
from tests.android_bench.emulated_arm64 import Emulator, missing, sme_fault
from tests.android_bench.sessions import settings

pytestmark = pytest.mark.emulated
SHORT = settings(num_runs=2, num_warmup_runs=1)

# Other instructions, other kernels: the big cores of phones since 2018 (products of bytes); then also byte matrices and
# scalable vectors; then also the matrix extension SME, where the emulator computes it right.
SME = "max"
CPUS = ("cortex-a76", "max,sme=off", SME)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    if reason := missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("arm64")
    build_runner.build(build_runner.ANDROID, folder / "runner")
    return Emulator(folder, folder / "runner")


@pytest.fixture(scope="module", params=CPUS)
def cpu(request, emulator, tmp_path_factory):
    """A kind of CPU; SME only where the emulator computes products of bytes right (qemu 7.2 does not: issue 2083)."""
    if request.param == SME and (fault := sme_fault(tmp_path_factory.mktemp("sme"))):
        pytest.skip(f"this emulator's SME is at fault, not LiteRT's: {fault} (qemu's issue 2083)")
    return request.param


def compare(emulator, tmp_path, bundle: Bundle, cpu: str, num_threads: int) -> list[str]:
    """Returns the problems of all files of a bundle."""
    found = []
    for file in bundle.files:
        written = {tensor.name: tmp_path / f"output-{tensor.name}" for tensor in file.outputs}
        inputs = write_inputs(tmp_path, file.samples, file.inputs)
        arguments = [f"--library={emulator.library}", f"--model={file.path}", *tensor_arguments(inputs, written)]
        done = emulator.run(cpu, [*arguments, *options(file, file.samples, Condition(num_threads), SHORT)])
        assert done.returncode == 0, done.stdout + done.stderr
        assert parse(done.stdout, file, 1, 2).num_process_threads >= num_threads
        arrays = {
            tensor.name: outputs.from_bytes(
                written[tensor.name].read_bytes(), tensor, file.samples.num_samples, "the runner"
            )
            for tensor in file.outputs
        }
        reference = outputs.of_host(file, file.samples, num_threads)
        difference = outputs.difference(arrays, reference, file.samples.num_samples)
        print(f"emulated arm64 ({cpu}), {file.name}: up to {outputs.steps(difference.largest)} from this computer's")
        found.append(outputs.problem_of_distance(difference, file.recipe))
    return found


@pytest.mark.parametrize("num_threads", [1, 2])
def test_the_android_build_gives_this_computers_outputs(emulator, bundle_folder, tmp_path, cpu, num_threads):
    assert compare(emulator, tmp_path, open_bundle(bundle_folder), cpu, num_threads) == [None]


def test_a_bundle_of_the_converter(emulator, tmp_path, cpu):
    folder = os.environ.get("EDGEDIPN_BUNDLE")
    if not folder:
        pytest.skip("EDGEDIPN_BUNDLE names no bundle: `make quickstart` makes one, quickstart/simulated/bundle")
    bundle = open_bundle(pathlib.Path(folder))
    assert compare(emulator, tmp_path, bundle, cpu, 1) == [None] * len(bundle.files)


def test_errors_come_back_as_on_the_host(emulator):
    done = emulator.run("max", ["--runs=4x"])
    assert done.returncode == 2
    assert '"message":"argument is unknown, given twice or has a bad value","detail":"--runs=4x"' in done.stdout
