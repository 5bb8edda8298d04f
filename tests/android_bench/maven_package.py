"""TFLite's Android libraries from the Maven package org.tensorflow:tensorflow-lite, and what their ELF files say."""

import pathlib
import shutil
import subprocess
import zipfile

from elftools.elf.elffile import ELFFile

ARTIFACT = "org.tensorflow:tensorflow-lite:2.16.1:aar"  # the last release under this name that holds libraries
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
ABIS = ("arm64-v8a", "armeabi-v7a", "x86", "x86_64")
LIBRARY = "libtensorflowlite_jni.so"
_LIMIT_S = 300.0


def fetch(folder: pathlib.Path) -> str | None:
    """Unpacks the package into a folder, or returns why it cannot be had and how to get it."""
    if shutil.which("mvn") is None:
        return "no Maven: `apt-get install maven`, then `make test-maven`"
    command = ["mvn", "-q", "-B", COPY, f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={folder}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return f"Maven did not bring {ARTIFACT} within {_LIMIT_S:g} s: try again"
    packages = list(folder.glob("*.aar"))
    if done.returncode != 0 or not packages:
        return f"Maven cannot bring {ARTIFACT} (is there a network?): {done.stdout.strip().splitlines()[:1]}"
    with zipfile.ZipFile(packages[0]) as archive:
        archive.extractall(folder)
    return None


def exported(path: pathlib.Path) -> set[str]:
    """Returns the functions that a library gives to others."""
    return {
        symbol.name
        for symbol in _dynamic_symbols(path)
        if symbol["st_shndx"] != "SHN_UNDEF"
        and symbol["st_info"]["type"] == "STT_FUNC"
        and symbol["st_info"]["bind"] == "STB_GLOBAL"
    }


def needed(path: pathlib.Path) -> set[str]:
    """Returns what a program or library takes from others; not what it may do without."""
    return {
        symbol.name
        for symbol in _dynamic_symbols(path)
        if symbol["st_shndx"] == "SHN_UNDEF" and symbol["st_info"]["bind"] == "STB_GLOBAL"
    }


def alignments(path: pathlib.Path) -> set[int]:
    """Returns the page sizes that the segments are laid out for."""
    with path.open("rb") as file:
        return {segment["p_align"] for segment in ELFFile(file).iter_segments("PT_LOAD")}


def _dynamic_symbols(path: pathlib.Path) -> list:
    with path.open("rb") as file:
        return list(ELFFile(file).get_section_by_name(".dynsym").iter_symbols())
