"""Builds what stands for Android's C library on an x86-64 Linux: `libc.so` and its companions.

`libc.so` has one jump for each function that a library needs, `libdl.so` (bionic_stand_in.c) fills in where they lead.
They are two, because the second calls glibc by the names that the first gives away.
"""

import pathlib
import subprocess

_JUMP = '__asm__(".globl {name}\\n.type {name},%function\\n{name}: jmp *(slots+{offset})(%rip)\\n");\n'
_SOURCE = pathlib.Path(__file__).parent / "bionic_stand_in.c"


def build(folder: pathlib.Path, needed: set[str]) -> None:
    """Writes the libraries into a folder.

    Args:
        folder: where to write them.
        needed: what the Android library takes from bionic.
    """
    functions = sorted(needed - {"__sF"})
    listed = ", ".join(f'"{name}"' for name in functions)
    lines = [
        f'__attribute__((visibility("protected"))) void *slots[{len(functions)}];\n',
        "char __sF[3 * 152];\n",
        f"const char *const names[] = {{{listed}, 0}};\n",
        *(_JUMP.format(name=name, offset=8 * place) for place, name in enumerate(functions)),
    ]
    (folder / "jumps.c").write_text("".join(lines))
    (folder / "versions").write_text("LIBC { global: *; };\n")  # every function of bionic is of this version
    versions = f"-Wl,--version-script={folder}/versions"
    _compile(folder, "libc", [str(folder / "jumps.c"), versions, "-nostdlib", "-fno-builtin", "-w"])
    _compile(folder, "libdl", [str(_SOURCE), "-Wall", "-Wextra", "-Werror"])
    (folder / "empty.c").write_text("")
    for name in ("libm", "liblog"):
        _compile(folder, name, [str(folder / "empty.c"), "-nostdlib"])


def _compile(folder: pathlib.Path, name: str, arguments: list[str]) -> None:
    command = ["cc", "-shared", "-fPIC", "-O1", f"-Wl,-soname,{name}.so", "-o", str(folder / f"{name}.so"), *arguments]
    subprocess.run(command, check=True, timeout=120)
