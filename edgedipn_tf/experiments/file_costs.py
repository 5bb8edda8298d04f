"""What converted files cost on a host, as a benchmark measured it: size, memory, latency, beside the paper's figures.

The figures belong to models and lengths, not to data: one file in the folder of a suite's reports, which
`benchmarks.sequence_encoders` writes and the report reads.
"""

import dataclasses
import pathlib
from collections.abc import Iterable

from edgedipn_tf.commands import InputError
from edgedipn_tf.publishing import read_json, write_json

FILE = "files.json"
FORMAT_VERSION = 1
COMMAND = "python -m benchmarks.sequence_encoders --lengths=64 --output=REPORTS/edgedipn_length/" + FILE
"""What measures the files of one length."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileCost:
    """One file with fresh weights.

    Attributes:
        model, length: the variant, and the steps of its views.
        recipe: how it was converted.
        size_bytes: of the file.
        weight_bytes, arena_bytes: of its constants; the most of activations that are alive at once.
        p50_ms: median latency on the host, of one thread's CPU time, of samples of the full length.
        times_attention: as a multiple of that of the file of `edgedipn` of this length, which ran in turns with it.
        paper_mb, paper_ms: what the paper reports, of its phone; None where it has no figure.
        commit, host: what was measured where; no commit when the project was installed, not cloned.
    """

    model: str
    length: int
    recipe: str
    size_bytes: int
    weight_bytes: int
    arena_bytes: int
    p50_ms: float
    times_attention: float
    paper_mb: float | None
    paper_ms: float | None
    commit: str | None
    host: str


def read(path: pathlib.Path) -> tuple[FileCost, ...]:
    """Returns what was measured, by model and length; nothing when there is no file.

    Raises:
        InputError: when the file is not of this form.
    """
    if not path.exists():
        return ()
    remedy = f"remove it and measure again: {COMMAND}"
    found = read_json(path, "costs of converted files", remedy)
    try:
        if found["format_version"] != FORMAT_VERSION:
            raise ValueError
        return tuple(FileCost(**values) for values in found["files"])
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{path} does not hold the costs of files in format {FORMAT_VERSION}: {remedy}") from None


def write(path: pathlib.Path, costs: Iterable[FileCost]) -> None:
    """Adds what was measured to a file, in place of what it says of the same models and lengths.

    Raises:
        InputError: as `read`.
    """
    kept = {(cost.length, cost.model): cost for cost in (*read(path), *costs)}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(
        path,
        {"format_version": FORMAT_VERSION, "files": [dataclasses.asdict(cost) for _, cost in sorted(kept.items())]},
    )
