"""The file of `--log_config`: what a log calls our columns and actions. TOML.

Example:

    [browse.columns]            # our column = "theirs"
    user_id = "uid"
    timestamp_ms = "event_time"

    [browse.actions]            # theirs = "our action"
    pv = "browse"
    add_cart = "cart"
    "order paid" = "purchase"

    [swipe.columns]
    user_id = "uid"

What the file does not name keeps its name. Our own spelling of an action holds too, unless the file gives it another
meaning. Case matters.
"""

import pathlib
import tomllib
from collections.abc import Mapping
from typing import Any

from beam_pipelines.inputs import Input, did_you_mean
from edgedipn_tf.commands import InputError

_SECTIONS = {"columns": 'our column = "their column"', "actions": 'their action = "our action"'}


def read_config(path: str, flag: str = "--log_config") -> dict[str, Any]:
    """Returns what a config file in TOML holds.

    Args:
        path: the file.
        flag: the flag that names it, for messages.

    Raises:
        InputError: naming the file, when it cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{flag}={path}: {error.strerror}: check the path") from None
    except UnicodeDecodeError:
        raise InputError(f"{flag}={path}: not UTF-8 text: save it as UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        cause = f"not TOML: {error}; names with other signs than letters, digits, _ and - need quotes"
        raise InputError(f"{flag}={path}: {cause}") from None


def apply_config(config: Mapping[str, Any], inputs: Mapping[str, Input], path: str) -> dict[str, Input]:
    """Returns the inputs with the log's own names.

    Args:
        config: what `read_config` returned.
        inputs: the inputs by name.
        path: the file, for messages.

    Raises:
        InputError: in one line, for an unknown input, section, column or action (with the nearest that exists), and
            for a value that is not text.
    """
    applied = dict(inputs)
    try:
        for name, sections in config.items():
            if name not in inputs:
                raise InputError(f"no input {name!r}: {did_you_mean(name, inputs)}inputs are {', '.join(inputs)}")
            applied[name] = _apply_to(inputs[name], _table(name, sections))
    except InputError as error:
        raise InputError(f"--log_config={path}: {error}") from None
    return applied


def _apply_to(input: Input, sections: Mapping[str, Any]) -> Input:
    for section, entries in sections.items():
        if section not in _SECTIONS:
            hint = did_you_mean(section, _SECTIONS)
            raise InputError(f"no section [{input.name}.{section}]: {hint}sections are {', '.join(_SECTIONS)}")
        for name, value in _table(f"{input.name}.{section}", entries).items():
            if not isinstance(value, str):
                raise InputError(f"[{input.name}.{section}] {name}: expected text in quotes: {_SECTIONS[section]}")
    columns, actions = sections.get("columns", {}), sections.get("actions", {})
    try:
        renamed = input.renamed(columns)
    except InputError as error:
        raise InputError(f"[{input.name}.columns] {error} (written {_SECTIONS['columns']})") from None
    try:
        return renamed.with_aliases(actions)
    except InputError as error:
        raise InputError(f"[{input.name}.actions] {error} (written {_SECTIONS['actions']})") from None


def _table(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{name}: expected a section such as [browse.columns]")
    return value
