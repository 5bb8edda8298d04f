"""The command `python -m android_bench.build_runner`: compiles the native runner for this computer or for Android.

For Android no NDK is needed: `ziglang` (a package of PyPI) brings a compiler and a linker, and what the NDK would add
is in runner/android: the entry point, and stand-ins that tell the linker which functions bionic's libraries have.
"""

import importlib.util
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from absl import flags

from edgedipn_tf import commands
from edgedipn_tf.commands import InputError

ANDROID = "aarch64-linux-android"
SOURCES = ("main.c", "arguments.c", "events.c", "model.c", "litert.c", "tflite.c")

DESCRIPTION = f"""
Compiles the native runner, a small C program that runs a model through LiteRT's or TFLite's shared library and gives
every single latency.

  python -m android_bench.build_runner --target=host --output=runner
  python -m android_bench.build_runner --target={ANDROID} --output=runner-android

The first needs a C compiler (`cc`), the second the package ziglang (`pip install ziglang==0.17.1`; no NDK). The same
sources and compiler give the same bytes. Then: python -m android_bench --host_runner=runner ..., or
--device_runner=runner-android --device_library=libLiteRt.so ...

Exit codes: 0 built; 2 the input is at fault, a compiler is missing or failed; 130 interrupted.
"""

SOURCE_FOLDER = pathlib.Path(__file__).parent / "runner"
_FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIE", "-pie", "-Wl,--build-id=none", "-s")
_LIMIT_S = 300.0


def define_flags(values: flags.FlagValues) -> None:
    """Defines the command's flags on `values`."""
    flags.DEFINE_enum("target", "host", ["host", ANDROID], "What it will run on.", flag_values=values)
    flags.DEFINE_string("output", None, "The program to write.", required=True, flag_values=values)
    flags.DEFINE_bool("overwrite", False, "Replace a file that is there.", flag_values=values)


def main(values: flags.FlagValues, rest: list[str]) -> None:
    """Builds the runner and says where it is.

    Raises:
        InputError: when the output is there already, or a compiler is missing or fails.
    """
    output = pathlib.Path(values.output)
    if output.exists() and not (values.overwrite and output.is_file()):
        raise InputError(f"--output={output} exists: choose another, or pass --overwrite to replace a file")
    build(values.target, output)
    print(f"{output}: {output.stat().st_size:,} bytes for {values.target}")


def build(target: str, output: pathlib.Path) -> None:
    """Compiles the runner and writes it, whole or not at all.

    Args:
        target: "host" or "aarch64-linux-android".
        output: the program to write.

    Raises:
        InputError: when a compiler is missing or fails.
    """
    output = output.absolute()
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as name:
        folder = pathlib.Path(name)
        program = _build_for_host(folder) if target == "host" else _build_for_android(folder)
        program.chmod(0o755)
        program.rename(output)


def _build_for_host(folder: pathlib.Path) -> pathlib.Path:
    compiler = shutil.which("cc")
    if compiler is None:
        raise InputError("no C compiler (`cc`) on the PATH: install one (Debian: `apt-get install gcc libc6-dev`)")
    if platform.system() != "Linux":
        raise InputError(f"--target=host is for Linux, not {platform.system()}: leave out --host_runner")
    _compile([compiler, "-D_GNU_SOURCE", *_FLAGS, "-o", str(folder / "runner"), *SOURCES, "-ldl"], folder)
    return folder / "runner"


def _build_for_android(folder: pathlib.Path) -> pathlib.Path:
    """Links against stand-ins of bionic's libraries: named as files, or zig would look for a libc that it lacks."""
    if importlib.util.find_spec("ziglang") is None:
        raise InputError("ziglang is not installed: `pip install ziglang==0.17.1` (or the extra `android`)")
    compiler = [sys.executable, "-m", "ziglang", "cc", "-target", ANDROID, "-nostdlib"]
    libraries = []
    for library in ("libc", "libdl"):
        libraries.append(str(folder / f"{library}.so"))
        stand_in = ["-shared", "-w", "-fno-builtin", f"-Wl,-soname,{library}.so", f"android/{library}.c"]
        _compile([*compiler, *stand_in, "-o", libraries[-1]], folder)
    # Since Android 15 a device may have pages of 16 KiB, and it loads only what is aligned to them.
    layout = ["-Wl,-z,max-page-size=16384", "-Wl,--dynamic-linker,/system/bin/linker64"]
    sources = [*SOURCES, "android/start.c"]
    _compile([*compiler, *_FLAGS, *layout, "-o", str(folder / "runner"), *sources, *libraries], folder)
    return folder / "runner"


def _compile(command: Sequence[str], folder: pathlib.Path) -> None:
    """Runs a compiler in the folder of the sources, so that no path of this computer gets into the program."""
    name = "zig" if "ziglang" in command else command[0]
    caches = {variable: str(folder / "cache") for variable in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")}
    try:
        done = subprocess.run(
            command,
            cwd=SOURCE_FOLDER,
            env={**os.environ, **caches},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"{name} did not end within {_LIMIT_S:g} s: try again") from None
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
        raise InputError(f"{name} cannot compile the runner: {lines[0] if lines else 'it said nothing'}")


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(DESCRIPTION, define_flags, main))


if __name__ == "__main__":
    cli()
