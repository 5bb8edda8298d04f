"""The report as JSON in both directions; what is read is checked field by field."""

import dataclasses
import enum
import json
import pathlib
import types
import typing
from typing import Any, TypeVar

from android_bench.results import FORMAT_VERSION, CaseResult, Report
from edgedipn_tf import publishing
from edgedipn_tf.commands import InputError

FILE_NAME = "results.json"

Record = TypeVar("Record")


def to_json(report: Report) -> str:
    """Returns the report as readable JSON."""
    return json.dumps(dataclasses.asdict(report), indent=1, sort_keys=True, allow_nan=False) + "\n"


def from_json(text: str | bytes, where: str = FILE_NAME) -> Report:
    """Returns the report that `to_json` wrote.

    Raises:
        InputError: when it is not JSON, of another format version, or has a missing, unknown or ill-typed field.
    """
    values = _versioned(text, where)
    return typing.cast(Report, _decode(Report, values, where))


def case_to_json(case: CaseResult) -> str:
    """Returns one case as readable JSON."""
    values = {"format_version": FORMAT_VERSION, "case": dataclasses.asdict(case)}
    return json.dumps(values, indent=1, sort_keys=True, allow_nan=False) + "\n"


def case_from_json(text: str | bytes, where: str) -> CaseResult:
    """Returns the case that `case_to_json` wrote.

    Raises:
        InputError: as `from_json`.
    """
    values = _versioned(text, where)
    return typing.cast(CaseResult, _decode(CaseResult, values.get("case"), where))


def read(folder: pathlib.Path) -> Report:
    """Reads the `results.json` of a folder.

    Raises:
        InputError: when there is none, or as `from_json`.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise InputError(f"{folder} has no {FILE_NAME}: pass a folder that `python -m android_bench` wrote")
    return from_json(path.read_bytes(), str(path))


def write(report: Report, folder: pathlib.Path) -> pathlib.Path:
    """Writes `results.json` into a folder, whole or not at all, and returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    publishing.write_bytes(path, to_json(report).encode())
    return path


def _versioned(text: str | bytes, where: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except ValueError as error:
        raise InputError(f"{where} is not JSON ({error}): run the benchmark again") from None
    version = values.get("format_version") if isinstance(values, dict) else None
    if version != FORMAT_VERSION:
        raise InputError(f"{where} has format version {version!r}, this program reads {FORMAT_VERSION}")
    return typing.cast(dict[str, Any], values)


def _decode(hint: Any, value: Any, where: str) -> Any:
    """Returns `value` as the declared type; JSON knows neither tuples, enums nor records."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        if value is None and types.NoneType in arguments:
            return None
        return _decode(next(argument for argument in arguments if argument is not types.NoneType), value, where)
    if origin is tuple:
        return tuple(_decode(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(_of(list, value, where)))
    if origin is dict:
        return {key: _decode(arguments[1], item, f"{where}.{key}") for key, item in _of(dict, value, where).items()}
    if dataclasses.is_dataclass(hint):
        return _decode_record(typing.cast(type, hint), _of(dict, value, where), where)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        if value not in [member.value for member in hint]:
            raise InputError(f"{where} is {value!r}, which is none of {', '.join(member.value for member in hint)}")
        return hint(value)
    if hint is float and type(value) is int:  # 5.0 may come back as 5 from other writers
        return float(value)
    return _of(hint, value, where)


def _decode_record(record: type[Record], values: dict[str, Any], where: str) -> Record:
    hints = typing.get_type_hints(record)
    if hints.keys() != values.keys():
        odd = sorted(hints.keys() ^ values.keys())
        raise InputError(f"{where}: missing or unknown field {odd[0]!r}")
    return record(**{name: _decode(hint, values[name], f"{where}.{name}") for name, hint in hints.items()})


def _of(kind: type, value: Any, where: str) -> Any:
    if type(value) is not kind:
        raise InputError(f"{where} is {type(value).__name__}, expected {kind.__name__}")
    return value
