"""What an app does ahead of `predict_raw`: its log of raw records as tensors, one record after another."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgedipn_tf.conversion.raw_inputs import MISSING_MS, RawField
from edgedipn_tf.schema import Schema

Record = Mapping[str, Any]
BUTTON_EVENTS = {2001: "page", 2101: "button"}
MISSING = {np.dtype(np.int64): MISSING_MS, np.dtype(np.float32): np.nan, np.dtype(np.int32): 1}


def name_of(value: Any) -> str | None:
    """A name as the log means it: 7 and "7" are one, "" is null."""
    return None if value is None or value == "" else str(value)


def event_of(value: Any) -> str:
    """The name of an event, which logs may write by its id."""
    return BUTTON_EVENTS[int(value)] if str(value).replace(".0", "").isdigit() else value


class AppLog:
    """The records of one user, oldest first, and how they become tensors.

    Args:
        schema: what the model takes.
        names: by feature, the names of vocabulary.json.
        fields: what `predict_raw` takes.
    """

    def __init__(self, schema: Schema, names: Mapping[str, Sequence[str]], fields: Sequence[RawField]) -> None:
        self._schema = schema
        self._ids = {key: {name: 2 + i for i, name in enumerate(of_key)} for key, of_key in names.items()}
        self._fields = {field.name: field for field in fields}

    def tensors(self, records: Mapping[str, Sequence[Record]], now_ms: int, profile: Record) -> dict[str, np.ndarray]:
        """Returns the inputs of one sample but `history_counts` and `candidates`, with a batch axis of 1."""
        tensors = {"now_ms": np.array([now_ms], np.int64)}
        features = [feature.name for feature in self._schema.profile]
        tensors["profile"] = np.array([[self._id("profile", f, name_of(profile.get(f))) for f in features]], np.int32)
        for view in self._schema.views:
            known = [record for record in records[view.name] if record["timestamp_ms"] <= now_ms]
            columns = {n.removeprefix(f"{view.name}_"): f for n, f in self._fields.items() if n.startswith(view.name)}
            for name, field in columns.items():
                dtype = np.dtype(field.dtype.as_numpy_dtype)
                if not field.shape:
                    length = self._fields[f"{view.name}_timestamp_ms"].shape[0]
                    before = known[-length - 1]["timestamp_ms"] if len(known) > length else MISSING_MS
                    tensors[field.name] = np.array([before], dtype)
                    continue
                newest = known[-field.shape[0] :]
                padding = [0] * (field.shape[0] - len(newest))
                values = [self._value(view.name, name, record, MISSING[dtype]) for record in newest]
                with np.errstate(over="ignore", under="ignore"):
                    tensors[field.name] = np.array([padding + values]).astype(dtype)
        return tensors

    def _value(self, view: str, column: str, record: Record, missing: Any) -> Any:
        value = record[column]
        action = self._schema.view(view).action
        if column == action.name:
            return 2 + action.names.index(event_of(value))
        if f"{view}_{column}" in self._ids:
            return self._id(view, column, name_of(value))
        return missing if value is None else value

    def _id(self, view: str, feature: str, name: str | None) -> int:
        return self._ids[f"{view}_{feature}"].get(name, 1)
