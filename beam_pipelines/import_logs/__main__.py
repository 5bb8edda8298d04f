"""Command: brings a public log into the format of the project."""

import pathlib
import sys

from absl import flags

from beam_pipelines.import_logs import hmog, jd, rees46, retailrocket, source, taobao, yoochoose
from beam_pipelines.raw_log import LogWriter
from edgedipn_tf import commands, publishing

LOGS = {log.name: log for log in (taobao.LOG, jd.LOG, rees46.LOG, yoochoose.LOG, retailrocket.LOG, hmog.LOG)}
_WHERE = "\n".join(f"{log.name}:\n" + "\n".join(f"  {line}" for line in log.where_to_get) for log in LOGS.values())
DESCRIPTION = f"""Imports a public log, so that beam_pipelines.discretize_events can read it.

  python -m beam_pipelines.import_logs --log=taobao --input=UserBehavior.csv.gz --output=logs/taobao

Writes one folder per input (tap/, browse/) with Parquet parts, and log.json with the flags that suit the log.
The logs are not part of this project; get them from their owners and mind their terms:

{_WHERE}
"""


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command."""
    flags.DEFINE_enum("log", None, sorted(LOGS), "which public log it is", flag_values=values, required=True)
    flags.DEFINE_string("input", None, "the log's file, or the folder of its files", flag_values=values, required=True)
    flags.DEFINE_string("output", None, "folder to publish the events in", flag_values=values, required=True)
    flags.DEFINE_bool("overwrite", False, "whether an output that is there may be replaced", flag_values=values)


def main(values: flags.FlagValues, _: list[str]) -> None:
    """Imports one log.

    Raises:
        InputError: when a file is absent, damaged, or not of this log.
    """
    log = LOGS[values.log]
    given = pathlib.Path(values.input)
    files = source.find_files(log, given)
    output = pathlib.Path(values.output)
    with publishing.publish_folder(output, values.overwrite) as folder:
        digests = source.checksums(log, files, given if given.is_dir() else given.parent)
        writer = LogWriter(folder)
        description = log.convert(files, writer)
        if not sum(writer.num_rows.values()):
            names = ", ".join(file.name for file in files)
            raise commands.InputError(f"{names}: no row has the form of {log.name}, {log.row_format}; see --help")
        writer.describe(description, digests)
    counted = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in description.counts.items())
    print(f"{log.name}: {counted} -> {', '.join(f'{n:,} {name}' for name, n in writer.num_rows.items())} rows")
    print(f"written to {output}; suggested flags are in {output / 'log.json'}")


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(DESCRIPTION, define_flags, main))


if __name__ == "__main__":
    cli()
