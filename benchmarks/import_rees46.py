"""Benchmark of the REES46 importer: CPU a row, and peak memory at several sizes of the file.

The file is generated in the published form (random values, 135 bytes a row); each import is a process of its own.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from absl import flags

from edgedipn_tf import commands
from edgedipn_tf.commands import InputError

DESCRIPTION = """
Measures `python -m beam_pipelines.import_logs --log=rees46` on generated files of several sizes.

  python -m benchmarks.import_rees46 --num_rows=1000000,4000000

Prints CPU-seconds for a million rows (reading, checking, writing Parquet, checksum) and the peak memory of the process.
"""
_HEADER = "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
_EVENTS = ("view",) * 9 + ("cart", "purchase")
_CODES = ("electronics.smartphone", "", "appliances.kitchen.washer", "computers.notebook")
_ROWS_AT_A_TIME = 100_000


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags."""
    flags.DEFINE_list("num_rows", ["1000000", "4000000"], "Rows of each file.", flag_values=values)


def main(values: flags.FlagValues, _: list[str]) -> None:
    """Measures one import a size."""
    for text in values.num_rows:
        if not text.isdecimal():
            raise InputError(f"--num_rows={text}: expected whole numbers separated by commas")
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "2019-Oct.csv"
            write_file(file, int(text))
            seconds, peak_mb = import_file(file)
            each = seconds / int(text) * 1e6
            size_mb = file.stat().st_size / 1e6
            print(
                f"{int(text):,} rows, {size_mb:,.0f} MB: {each:.2f} CPU-s a million rows, peak {peak_mb:,.0f} MB",
                flush=True,
            )


def write_file(file: pathlib.Path, num_rows: int) -> None:
    """Writes a month in the published form."""
    rng = np.random.default_rng(1)
    with open(file, "w") as stream:
        stream.write(_HEADER)
        for start in range(0, num_rows, _ROWS_AT_A_TIME):
            numbers = rng.integers(1 << 30, size=(min(_ROWS_AT_A_TIME, num_rows - start), 5)).tolist()
            stream.write("".join(_row(*row) for row in numbers))


def _row(item: int, category: int, user: int, moment: int, kind: int) -> str:
    time = f"2019-10-{moment % 31 + 1:02} {moment % 24:02}:{moment % 60:02}:{kind % 60:02} UTC"
    code = _CODES[category % len(_CODES)]
    session = f"{user:08x}-dd1c-4f50-8a0e-{moment:012x}"
    leaf = 2_053_013_550_000_000_000 + category % 700
    event = _EVENTS[kind % len(_EVENTS)]
    return f"{time},{event},{item},{leaf},{code},acme,{kind % 100_000 / 100},{user},{session}\n"


def import_file(file: pathlib.Path) -> tuple[float, float]:
    """Returns the CPU-seconds and the peak memory in MB of one import.

    Raises:
        InputError: when the import fails.
    """
    command = [sys.executable, "-m", "beam_pipelines.import_logs", "--log=rees46", f"--input={file}"]
    process = subprocess.Popen([*command, f"--output={file.with_name('logs')}"], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise InputError(f"the import ended with exit code {process.returncode}: see its message above")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(DESCRIPTION, define_flags, main))


if __name__ == "__main__":
    cli()
