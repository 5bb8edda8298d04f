"""From raw values to typed, clean columns: every record is accepted whole or rejected with one reason."""

import dataclasses
import enum

import numpy as np
import numpy.typing as npt

from beam_pipelines.inputs import Input
from beam_pipelines.reading import RawBatch


class Reason(enum.StrEnum):
    """Why a record is bad; a record with several faults has the first in this order."""

    TOO_LONG = "too_long"
    UNPARSABLE = "unparsable"
    MISSING_KEY = "missing_key"
    WRONG_TYPE = "wrong_type"
    BAD_TIME = "bad_time"
    NON_FINITE = "non_finite"
    UNKNOWN_ACTION = "unknown_action"
    BAD_WINDOW = "bad_window"


@dataclasses.dataclass(frozen=True)
class Names:
    """A column of names: codes int32 [N] into `values`, -1 = null. Every value is used by some row."""

    codes: npt.NDArray[np.int32]
    values: list[str]


@dataclasses.dataclass(frozen=True)
class NullableIntegers:
    """A column of integers: values int64 [N] (0 where null), is_null bool [N]."""

    values: npt.NDArray[np.int64]
    is_null: npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True)
class EventBatch:
    """Accepted records, by column.

    Attributes:
        input_name: the input.
        file_index: position of the file in the sorted path list of the input.
        record_numbers: int64 [N], rising.
        timestamp_ms: int64 [N]; zeros for profile and history.
        action: int64 [N], index in the input's `actions`; -1 for profile.
        names: NAME columns by name; `user_id` is never null.
        integers: INTEGER columns, and DATE columns as days since 1970-01-01.
        numbers: NUMBER columns, float64 [N], NaN = null.
        row_hashes: uint64 [N], a hash of all columns after normalisation: equal records have equal hashes,
            different ones different hashes but for a chance of 2^-64; the same in every process and run.
    """

    input_name: str
    file_index: int
    record_numbers: npt.NDArray[np.int64]
    timestamp_ms: npt.NDArray[np.int64]
    action: npt.NDArray[np.int64]
    names: dict[str, Names]
    integers: dict[str, NullableIntegers]
    numbers: dict[str, npt.NDArray[np.float64]]
    row_hashes: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.record_numbers)


@dataclasses.dataclass(frozen=True)
class Reject:
    """A bad record: where it is, why it is bad, and its first 4096 bytes (Parquet rows as JSON)."""

    input_name: str
    path: str
    file_index: int
    record_number: int
    reason: Reason
    raw: bytes


def validate(raw: RawBatch, input: Input, min_time_ms: int, max_time_ms: int) -> tuple[EventBatch, list[Reject]]:
    """Checks every record of a batch against its input.

    Args:
        raw: the records.
        input: what they must hold.
        min_time_ms: first timestamp that is accepted.
        max_time_ms: first timestamp after it that is not.

    Returns:
        The accepted records, and the rejects in the order of their record numbers.
    """
    raise NotImplementedError
