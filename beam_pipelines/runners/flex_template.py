"""Command: the metadata of a Dataflow flex template of the discretization job, made of its flags.

Example:

    python -m beam_pipelines.runners.flex_template --output=beam_pipelines/runners/dataflow/flex_template.json

A test holds the file and the flags equal.
"""

import pathlib
import sys
from collections.abc import Sequence
from typing import Any

from absl import flags

from beam_pipelines import discretize_events
from edgedipn_tf import commands, publishing

METADATA_FILE = pathlib.Path(__file__).with_name("dataflow") / "flex_template.json"
_NEEDED = ("output",)
_NOT_PASSED = ("validate_only", "validate_rows", "describe_only")
"""Flags of a person before a terminal: a template has none."""
_FORMS = {"bool": "^(true|false)$", "int": "^-?[0-9]+$", "float": "^[0-9.]+$"}
_IMAGE = {
    "name": "sdk_container_image",
    "label": "Worker image",
    "helpText": "container image of the workers, made of the Dockerfile beside this file",
    "isOptional": True,
    "regexes": ["^[^ ]+$"],
    "paramType": "TEXT",
}


def metadata() -> dict[str, Any]:
    """Returns the metadata as Dataflow reads it: a parameter for each flag that a job may be given."""
    values = flags.FlagValues()  # type: ignore[no-untyped-call]
    discretize_events.define_flags(values)
    parameters = [_parameter(values[name]) for name in values if name not in _NOT_PASSED]
    return {
        "name": "EdgeDIPN discretization",
        "description": "Raw event tables to a dataset of discretized samples (TFRecords)",
        "parameters": [*parameters, _IMAGE],
    }


def _parameter(flag: Any) -> dict[str, Any]:
    default = "" if flag.default is None else f" (default: {flag.default_as_str.strip(chr(39))})"
    label = flag.name.replace("_", " ")
    return {
        "name": flag.name,
        "label": label[0].upper() + label[1:],
        "helpText": " ".join(flag.help.split()) + default,
        "isOptional": flag.name not in _NEEDED,
        "regexes": [_FORMS.get(flag.flag_type(), "^.+$")],
        "paramType": "TEXT",
    }


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command."""
    flags.DEFINE_string("output", str(METADATA_FILE), "the file to write", flag_values=values)


def main(values: flags.FlagValues, arguments: list[str]) -> None:
    """Writes the file."""
    publishing.write_json(pathlib.Path(values.output), metadata())


def run(argv: Sequence[str] | None = None) -> int:
    """Runs the command with the given arguments; returns the exit code."""
    return commands.run(__doc__ or "", define_flags, main, argv)


if __name__ == "__main__":
    sys.exit(run())
