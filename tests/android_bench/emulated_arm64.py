"""Runs the runner's Android build on this computer: qemu-user, Debian's arm64 C library, and LiteRT's arm64 wheel.

Emulated, so it is never timed, and no phone: bionic is not here. Two stand-ins take its place: a `libc.so` with
bionic's entry function, which hands over to glibc, and an empty `libdl.so`. What it shows is that the machine code, the
entry, the calls into LiteRT and the outputs on arm64 are right.
"""

import importlib.metadata
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

LIBRARIES = pathlib.Path("/usr/aarch64-linux-gnu/lib")  # Debian: libc6-arm64-cross and libstdc++6-arm64-cross
WHEELS = "EDGEDIPN_ARM64_WHEELS"
_LIMIT_S = 300.0

_LIBC = """
extern void exit(int code);
void __libc_init(void *raw, void (*on_exit)(void), int (*main)(int, char **), const void *lists) {
  long *arguments = raw;
  (void)on_exit;
  (void)lists;
  exit(main((int)arguments[0], (char **)(arguments + 1)));
}
"""
# LiteRT asks the kernel what the CPU can do; under emulation that would be this computer's x86.
_CPU = """processor\t: {}
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x3
CPU part\t: 0xd0b
CPU revision\t: 1

"""


def missing() -> str | None:
    """Returns what is not there and how to get it, or None."""
    if shutil.which("qemu-aarch64") is None or not (LIBRARIES / "libstdc++.so.6").exists():
        return "no arm64 emulator: `apt-get install qemu-user libc6-arm64-cross libstdc++6-arm64-cross`, then run again"
    if importlib.util.find_spec("ziglang") is None:
        return "ziglang is not installed: `pip install ziglang==0.17.1`, then run again"
    if _wheel() is None:
        return "no arm64 wheel of LiteRT: `make test-emulated` fetches it"
    return None


def _wheel() -> pathlib.Path | None:
    version = importlib.metadata.version("ai-edge-litert")
    folder = os.environ.get(WHEELS)
    return next(pathlib.Path(folder).glob(f"ai_edge_litert-{version}-*aarch64.whl"), None) if folder else None


def sme_fault(folder: pathlib.Path) -> str | None:
    """Returns what is wrong with the emulator's matrix products of bytes (SME), or None when they are right."""
    source, program = pathlib.Path(__file__).with_name("sme_product.c"), folder / "sme_product"
    _compile("aarch64-linux-musl", ["-static", "-mcpu=generic+sme", "-o", str(program), str(source)], folder)
    done = subprocess.run(["qemu-aarch64", "-cpu", "max", program], capture_output=True, text=True, timeout=_LIMIT_S)
    return None if done.returncode == 0 else done.stdout.strip() or f"exit code {done.returncode}"


def _compile(target: str, arguments: list[str], folder: pathlib.Path) -> None:
    compiler = [sys.executable, "-m", "ziglang", "cc", "-target", target, "-O1"]
    caches = {variable: str(folder / "zig") for variable in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")}
    subprocess.run([*compiler, *arguments], env={**os.environ, **caches}, check=True, timeout=_LIMIT_S)


class Emulator:
    """An arm64 system that runs one program at a time.

    Args:
        folder: an empty folder for its files.
        runner: the runner built for Android.
    """

    def __init__(self, folder: pathlib.Path, runner: pathlib.Path) -> None:
        self._folder, self._runner = folder, runner
        wheel = _wheel()
        assert wheel is not None
        with zipfile.ZipFile(wheel) as archive:
            archive.extract("ai_edge_litert/libLiteRt.so", folder)
        self.library = folder / "ai_edge_litert" / "libLiteRt.so"
        (folder / "system" / "bin").mkdir(parents=True)
        shutil.copy(LIBRARIES / "ld-linux-aarch64.so.1", folder / "system" / "bin" / "linker64")
        self._stand_in("libc", _LIBC)
        self._stand_in("libdl", "int edgedipn_nothing;")
        (folder / "cpuinfo").write_text("".join(_CPU.format(cpu) for cpu in range(2)))
        (folder / "cpu").mkdir()
        for name in ("possible", "present", "online"):
            (folder / "cpu" / name).write_text("0-1\n")

    def run(self, cpu: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        """Runs the runner on a kind of CPU, as qemu names it."""
        paths = f"{self._folder}:{LIBRARIES}"
        environment = ["-E", "LD_PRELOAD=libc.so.6", "-E", f"LD_LIBRARY_PATH={paths}"]
        command = ["qemu-aarch64", "-cpu", cpu, "-L", str(self._folder), *environment, str(self._runner), *arguments]
        script = f"mount --bind {self._folder}/cpuinfo /proc/cpuinfo && "
        script += f'mount --bind {self._folder}/cpu /sys/devices/system/cpu && exec "$@"'
        namespace = ["unshare", "-m" if os.geteuid() == 0 else "-rm"]
        return subprocess.run(
            [*namespace, "sh", "-c", script, "sh", *command], capture_output=True, text=True, timeout=_LIMIT_S
        )

    def _stand_in(self, name: str, source: str) -> None:
        path = self._folder / f"{name}.c"
        path.write_text(source)
        flags = ["-nostdlib", "-shared", "-fPIC", f"-Wl,-soname,{name}.so", "-o", str(self._folder / f"{name}.so")]
        _compile("aarch64-linux-android", [*flags, str(path)], self._folder)
