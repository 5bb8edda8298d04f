"""The runner and TFLite's Android libraries of the Maven package: their functions, pages, declarations, and a run.

`EDGEDIPN_BUNDLE` may name a bundle of the converter; without it only the tiny model runs. Never timed.
"""

import importlib.util
import os
import pathlib
import platform
import re
import shutil
import subprocess

import pytest

from android_bench import build_runner, outputs
from android_bench.bundle import ModelFile, Samples, open_bundle
from android_bench.native_runner import options, tensor_arguments, write_inputs
from android_bench.results import Condition
from android_bench.runner_output import parse
from tests.android_bench import bionic_stand_in
from tests.android_bench.sessions import settings

if importlib.util.find_spec("elftools") is None:
    pytest.skip("pyelftools is not installed: `make test-maven` does that", allow_module_level=True)

from tests.android_bench import maven_package
from tests.android_bench.maven_package import ABIS, LIBRARY

pytestmark = pytest.mark.maven
SHORT = settings(num_runs=2, num_warmup_runs=1)
# Named by the package's headers and not part of it.
ABSENT_HEADERS = {
    "async/c/types.h": "",
    "c/registration_external.h": "typedef struct TfLiteRegistrationExternal TfLiteRegistrationExternal;",
}
SAME_TYPES = """
#include "tensorflow/lite/core/c/c_api.h"
#include "tflite.h"
#define SAME(name, result, parameters) \\
  _Static_assert(__builtin_types_compatible_p(__typeof__(TfLite##name), result parameters), #name);
TFLITE_FUNCTIONS(SAME)
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The unpacked package."""
    folder = tmp_path_factory.mktemp("maven")
    if reason := maven_package.fetch(folder):
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="module")
def android_runner(tmp_path_factory):
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("ziglang is not installed: `make test-maven` does that")
    path = tmp_path_factory.mktemp("android") / "runner"
    build_runner.build(build_runner.ANDROID, path)
    return path


def looked_up(runner: pathlib.Path) -> set[str]:
    """Returns TFLite's functions that a built runner looks up by name."""
    return {name.decode() for name in re.findall(rb"\0(TfLite[A-Za-z]+)(?=\0)", runner.read_bytes())}


@pytest.mark.parametrize("abi", ABIS)
def test_every_function_that_the_runner_looks_up_is_exported(package, android_runner, abi):
    names = looked_up(android_runner)
    declared = (build_runner.SOURCE_FOLDER / "tflite.h").read_text()
    assert names == {f"TfLite{name}" for name in re.findall(r"^  F\((\w+),", declared, re.MULTILINE)}
    assert len(names) == 19
    assert names - maven_package.exported(package / "jni" / abi / LIBRARY) == set()


def test_what_the_runner_needs_of_bionic_is_what_the_stand_ins_for_linking_have(android_runner):
    sources = [build_runner.SOURCE_FOLDER / "android" / f"{name}.c" for name in ("libc", "libdl")]
    known = {name for path in sources for name in re.findall(r"^EXPORT\((\w+)\)", path.read_text(), re.MULTILINE)}
    assert maven_package.needed(android_runner) == known


def test_pages(package, android_runner):
    """The package's libraries are laid out for pages of 4 KiB: a phone with pages of 16 KiB cannot load them."""
    assert maven_package.alignments(android_runner) == {16384}
    found = {abi: maven_package.alignments(package / "jni" / abi / LIBRARY) for abi in ABIS}
    assert found == {abi: {4096} for abi in ABIS}


def compiles(package, tmp_path, source):
    (tmp_path / "same.c").write_text(source)
    for name, content in ABSENT_HEADERS.items():
        path = tmp_path / "tensorflow" / "lite" / "core" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    include = [f"-I{package / 'headers'}", f"-I{tmp_path}", f"-I{build_runner.SOURCE_FOLDER}"]
    done = subprocess.run(["cc", "-fsyntax-only", *include, str(tmp_path / "same.c")], capture_output=True, text=True)
    return done.returncode == 0


def test_the_declarations_are_those_of_its_headers(package, tmp_path):
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (`cc`): `apt-get install gcc libc6-dev`, then run again")
    assert compiles(package, tmp_path, SAME_TYPES)
    assert not compiles(package, tmp_path, SAME_TYPES + "SAME(TensorType, unsigned, (struct TfLiteTensor *, int))")


@pytest.fixture(scope="module")
def x86_64(package, tmp_path_factory):
    """The folder of the Android library for x86-64 and of what stands for bionic."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64") or shutil.which("cc") is None:
        pytest.skip("needs Linux on x86-64 and a C compiler (`cc`)")
    folder = tmp_path_factory.mktemp("x86_64")
    shutil.copy(package / "jni" / "x86_64" / LIBRARY, folder)
    bionic_stand_in.build(folder, maven_package.needed(folder / LIBRARY))
    return folder


def run(runner, folder, *arguments):
    return subprocess.run(
        [runner, f"--library={folder / LIBRARY}", *arguments],
        env={**os.environ, "LD_LIBRARY_PATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def run_file(runner, folder, tmp_path, file: ModelFile, samples: Samples, num_threads: int):
    """Returns the ended process and the files of its outputs."""
    written = {tensor.name: tmp_path / f"output-{tensor.name}" for tensor in file.outputs}
    arguments = [f"--model={file.path}", *tensor_arguments(write_inputs(tmp_path, samples, file.inputs), written)]
    return run(runner, folder, *arguments, *options(file, samples, Condition(num_threads), SHORT)), written


def problem_of(done, written, file: ModelFile, samples: Samples, num_threads: int) -> str | None:
    """Returns what is wrong with the outputs of a process that must have ended well."""
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"runtime":"TFLite"' in done.stdout
    assert parse(done.stdout, file, 1, 2).num_process_threads == num_threads
    arrays = {
        tensor.name: outputs.from_bytes(written[tensor.name].read_bytes(), tensor, samples.num_samples, "the runner")
        for tensor in file.outputs
    }
    difference = outputs.difference(arrays, outputs.of_host(file, samples, num_threads), samples.num_samples)
    print(f"TFLite 2.16.1 for Android, x86-64, {file.name}: up to {outputs.steps(difference.largest)} from LiteRT's")
    return outputs.problem_of_distance(difference, file.recipe)


@pytest.mark.parametrize("num_threads", [1, 2])
def test_its_x86_64_library_gives_this_computers_outputs(host_runner, x86_64, bundle_folder, tmp_path, num_threads):
    bundle = open_bundle(bundle_folder)
    (file,) = bundle.files
    done, written = run_file(host_runner, x86_64, tmp_path, file, file.samples, num_threads)
    assert problem_of(done, written, file, file.samples, num_threads) is None


def test_a_bundle_of_the_converter(host_runner, x86_64, tmp_path):
    folder = os.environ.get("EDGEDIPN_BUNDLE")
    if not folder:
        pytest.skip("EDGEDIPN_BUNDLE names no bundle: `make quickstart` makes one, quickstart/simulated/bundle")
    bundle = open_bundle(pathlib.Path(folder))
    for file in bundle.files:
        done, written = run_file(host_runner, x86_64, tmp_path, file, file.samples, 1)
        assert problem_of(done, written, file, file.samples, 1) is None


BAD = {
    "no model": ("--model=/nowhere/model", 3, "TFLite cannot read the model"),
    "no signature": ("--signature=serving", 2, "the model has no such signature"),
    "no input": ("--signature=predict", 2, "--input=NAME=FILE is missing for"),
}


@pytest.mark.parametrize(("changed", "code", "reason"), BAD.values(), ids=BAD)
def test_errors_are_named(host_runner, x86_64, bundle_folder, changed, code, reason):
    good = {"--model": str(bundle_folder / "tiny_float32.tflite"), "--signature": "predict"}
    flag, value = changed.split("=")
    done = run(host_runner, x86_64, *(f"{name}={text}" for name, text in {**good, flag: value}.items()))
    assert (done.returncode, reason in done.stdout) == (code, True), done.stdout
