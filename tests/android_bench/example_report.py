"""A report with every kind of case, made by hand; `python -m tests.android_bench.example_report FOLDER` writes it."""

import dataclasses
import pathlib
import sys

import numpy as np

from android_bench import report_html
from android_bench.latency import summarize, verdicts_by_budget
from android_bench.operator_profile import OperatorTime
from android_bench.results import Auc, CaseResult, Condition, DeviceInfo, DeviceState, Parity, ProcessRun, Report
from tests.android_bench.test_results import HOST_CASE, REPORT

PHONES = [
    DeviceInfo(
        serial,
        "EdgeDIPN",
        f"simulated {name}",
        "Nobody S1",
        ("arm64-v8a",),
        "14",
        34,
        "edgedipn/simulated/build",
        "6.1.25-android14",
        (1_800_000,) * 4 + (2_800_000,) * 4,
        ("schedutil",) * 8,
    )
    for serial, name in (("127.0.0.1:40001", "fast"), ("127.0.0.1:40002", "slow"))
]


# Ten types: the eight dearest have a bar each.
PROFILE = tuple(
    OperatorTime(f"Delegate/Type {place} (NC, F32)", 3 * place + 1, share, share / 100)
    for place, share in enumerate((45.0, 20.0, 11.0, 8.0, 6.0, 4.0, 3.0, 2.0, 0.75, 0.25))
)


def _processes(level_ms: float, seed: int) -> tuple[ProcessRun, ...]:
    random = np.random.default_rng(seed)
    return tuple(
        ProcessRun(
            order,
            tuple((level_ms * random.lognormal(0, 0.12, 67)).tolist()),
            first_ms=3 * level_ms,
            warmup_ms=(1.5 * level_ms,) * 5,
            load_ms=12.5,
            peak_memory_kb=21_000,
        )
        for order in range(3)
    )


def _states(seed: int) -> tuple[DeviceState, ...]:
    return tuple(
        DeviceState(
            uptime_s=1000.0 + 40 * place + seed,
            battery_celsius=27.0 + 0.4 * place,
            celsius={"skin": 30.0 + 0.9 * place, "cpu-0": 38.0 + 2.5 * (place % 3)},
            limit_khz=(1_800_000,) * 4 + (2_800_000,) * 4,
            current_khz=(900_000 + 100_000 * (place % 3),) * 4 + (1_400_000 + 200_000 * (place % 4),) * 4,
        )
        for place in range(8)
    )


def _case(phone: DeviceInfo, length: int, level_ms: float, is_pinned: bool = False) -> CaseResult:
    processes = _processes(level_ms, length + is_pinned)
    summary = summarize([process.samples_ms for process in processes])
    return dataclasses.replace(
        HOST_CASE,
        file=f"edgedipn_{length}_dynamic_int8.tflite",
        recipe="dynamic_int8",
        max_length=length,
        backend="adb_runner",
        device=phone,
        condition=Condition(is_pinned=is_pinned),
        program_sha256={"runner": "2" * 64, "library libLiteRt.so": "3" * 64},
        affinity_mask="f0" if is_pinned else None,
        processes=processes,
        states=_states(length),
        summary=summary,
        verdicts=verdicts_by_budget(summary, 50.0, None),
        host_difference=Parity(8, {"realtime_purchase": 0.0117}),
        operator_profile=PROFILE if length == 256 and not is_pinned else None,
        auc={"realtime_purchase": Auc(7, 0.75, 0.75, 0.7375), "leaf_category": Auc(16, None, None, None)},
        notes=("the screen was off: the device may have kept programs off its fast CPUs",),
    )


def _invalid(case: CaseResult, problem: str) -> CaseResult:
    return dataclasses.replace(case, summary=None, verdicts=verdicts_by_budget(None, 50.0, problem), problem=problem)


def example() -> Report:
    """Returns the report; its figures are drawn by chance, not measured."""
    fast, slow = PHONES
    levels = {64: 6.0, 128: 9.5, 256: 17.5, 512: 36.0}
    cases = [_case(fast, length, level) for length, level in levels.items()]
    cases += [_case(fast, length, 0.8 * level, is_pinned=True) for length, level in levels.items()]
    cases += [_case(slow, 64, 18.0), _case(slow, 256, 44.0), _case(slow, 512, 95.0)]
    lowered = "the device lowered the clock limit of CPU 4 from 2800000 to 2000000 kHz while it was measured"
    return dataclasses.replace(REPORT, cases=(HOST_CASE, *cases, _invalid(_case(slow, 128, 28.0), lowered)))


if __name__ == "__main__":
    print(report_html.write(example(), pathlib.Path(sys.argv[1])))
