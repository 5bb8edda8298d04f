"""One cell of the matrix: a file, by a program, in a condition, on a machine; and the record of what was found.

A finished cell is kept in the output folder under a hash of all that its figures depend on, so an interrupted matrix
goes on where it was, and a changed file, program or setting is measured again.
"""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Mapping, Sequence

from android_bench import results_json
from android_bench.benchmark_model_output import ToolOutput
from android_bench.bundle import Bundle, ModelFile
from android_bench.latency import summarize, verdicts_by_budget
from android_bench.operator_profile import OperatorTime
from android_bench.results import Auc, CaseResult, Condition, DeviceInfo, DeviceState, Parity, ProcessRun, Settings
from edgedipn_tf import publishing
from edgedipn_tf.commands import InputError

FOLDER = "cells"


@dataclasses.dataclass(frozen=True)
class Cell:
    """What is measured, on whatever machine."""

    bundle: Bundle
    file: ModelFile
    backend: str  # as in CaseResult
    condition: Condition
    program_sha256: Mapping[str, str]

    @property
    def label(self) -> str:
        """The cell as told to a person."""
        return f"{self.file.name}, {self.file.signature} ({self.condition.label})"


@dataclasses.dataclass
class Findings:
    """What is known of a cell so far; `problem` ends its measurement."""

    processes: list[ProcessRun] = dataclasses.field(default_factory=list)
    states: list[DeviceState] = dataclasses.field(default_factory=list)
    affinity_mask: str | None = None
    parity: Parity | None = None
    host_difference: Parity | None = None
    auc: dict[str, Auc] | None = None
    tool_summary: ToolOutput | None = None
    operator_profile: tuple[OperatorTime, ...] | None = None
    notes: list[str] = dataclasses.field(default_factory=list)
    problem: str | None = None

    def keep_profile(self, profile: tuple[OperatorTime, ...] | None, reason: str) -> None:
        """Keeps an operator profile, or notes why there is none: no verdict rests on it."""
        self.operator_profile = profile
        if profile is None:
            self.notes.append(f"no operator profile: {reason}")


def case_result(cell: Cell, device: DeviceInfo | None, found: Findings, settings: Settings) -> CaseResult:
    """Returns the record of a cell with its verdicts; a problem, or an output that is no number, makes it INVALID."""
    problem = found.problem
    if not all(parity.is_finite for parity in (found.parity, found.host_difference) if parity):
        problem = "an output is not a finite number"
    latencies = [process.samples_ms for process in found.processes if process.samples_ms]
    summary = summarize(latencies) if latencies and problem is None else None
    return CaseResult(
        bundle_model=cell.bundle.model,
        file=cell.file.name,
        recipe=cell.file.recipe,
        sha256=cell.file.sha256,
        size_bytes=cell.file.size_bytes,
        max_length=cell.file.max_length,
        backend=cell.backend,
        device=device,
        condition=cell.condition,
        program_sha256=dict(cell.program_sha256),
        affinity_mask=found.affinity_mask,
        processes=tuple(found.processes),
        states=tuple(found.states),
        summary=summary,
        verdicts=verdicts_by_budget(summary, settings.budget_ms, problem),
        parity=found.parity,
        host_difference=found.host_difference,
        auc=found.auc,
        tool_summary=found.tool_summary,
        operator_profile=found.operator_profile,
        notes=tuple(found.notes),
        problem=problem,
    )


class CellStore:
    """The finished cells of an output folder.

    Args:
        folder: the output folder.
        settings: of the run; cells that were measured by others are not taken.
    """

    def __init__(self, folder: pathlib.Path, settings: Settings) -> None:
        self._folder = folder / FOLDER
        self._settings = settings

    def make_folder(self) -> None:
        """Makes the folder, before anything is measured: a place that cannot be written is told at once."""
        self._folder.mkdir(parents=True, exist_ok=True)

    def find(self, cell: Cell, machine: Sequence[str]) -> CaseResult | None:
        """Returns a finished cell with verdicts for this run's budget; an INVALID one is not finished."""
        path = self._path(cell, machine)
        if not path.is_file():
            return None
        try:
            case = results_json.case_from_json(path.read_bytes(), str(path))
        except InputError:  # of another version: it is measured again and replaced
            return None
        if case.problem is not None:
            return None
        return dataclasses.replace(case, verdicts=verdicts_by_budget(case.summary, self._settings.budget_ms, None))

    def keep(self, cell: Cell, machine: Sequence[str], case: CaseResult) -> None:
        """Writes a cell, whole or not at all."""
        publishing.write_bytes(self._path(cell, machine), results_json.case_to_json(case).encode())

    def _path(self, cell: Cell, machine: Sequence[str]) -> pathlib.Path:
        identity = {
            "manifest": cell.bundle.manifest_sha256,
            "file": [cell.file.name, cell.file.sha256, cell.file.signature],
            "backend": cell.backend,
            "condition": dataclasses.asdict(cell.condition),
            "programs": dict(cell.program_sha256),
            "machine": list(machine),
            "settings": {
                name: value
                for name, value in dataclasses.asdict(self._settings).items()
                if name not in ("budget_ms", "cool_down_s")  # a verdict is judged anew, and waiting changes no latency
            },
        }
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        return self._folder / f"{digest[:32]}.json"
