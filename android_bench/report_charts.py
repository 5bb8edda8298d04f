"""The charts of a report: distributions, latency against length, temperatures and clocks."""

import math
from collections.abc import Sequence

from android_bench import paper
from android_bench.latency import REPORTED_BUDGET_MS
from android_bench.results import CaseResult, DeviceState, Report
from edgedipn_tf.charts import (
    MARGIN_RIGHT,
    WIDTH,
    Scale,
    figure,
    legend,
    line,
    path,
    point,
    rectangle,
    text,
    titled,
    x_axis,
    y_axis,
)
from edgedipn_tf.html_page import NUM_SERIES

_LEFT = 64
_ROW = 72
_NUM_BINS = 60


def distributions(cases: Sequence[CaseResult], budget_ms: float) -> str:
    """Returns a histogram of each case on one logarithmic axis, with p50, p90 and its interval."""
    budgets = sorted({REPORTED_BUDGET_MS, budget_ms})
    samples = [sample for case in cases for sample in case.samples_ms]
    x = Scale(min(samples) * 0.8, max(*samples, budgets[-1]) * 1.3, 12, WIDTH - MARGIN_RIGHT, is_log=True)
    bottom = 24 + _ROW * len(cases)
    marks = x_axis(x, 18, bottom, "ms, logarithmic")
    for budget in budgets:
        marks += [
            line(x(budget), 18, x(budget), bottom, "budget"),
            text(x(budget), 12, f"{budget:g} ms", anchor="middle"),
        ]
    for row, case in enumerate(cases):
        marks += _histogram(case, x, 24 + _ROW * row)
    return figure(bottom + 40, "Distribution of latencies of each measured cell", marks)


def _histogram(case: CaseResult, x: Scale, top: float) -> list[str]:
    counts = [0] * _NUM_BINS
    low, high = math.log(x.low), math.log(x.high)
    for sample in case.samples_ms:
        counts[min(_NUM_BINS - 1, int((math.log(sample) - low) / (high - low) * _NUM_BINS))] += 1
    base, width = top + _ROW - 14, (x.end - x.start) / _NUM_BINS
    bars = [
        rectangle(
            x.start + place * width + 1, base - 26 * count / max(counts), x.start + (place + 1) * width, base, "bar"
        )
        for place, count in enumerate(counts)
        if count
    ]
    marks = [text(x.start, top + 12, f"{case.file_label}, {case.machine}, {case.condition.label}", "label")]
    if (summary := case.summary) is not None:
        words = (
            f"p50 {summary.p50_ms:.3g} ms, p90 {summary.p90_ms:.3g} ms ({_interval(case)}), {len(case.samples_ms)} runs"
        )
        bars += [
            line(x(summary.p90_low_ms), base + 5, x(summary.p90_high_ms), base + 5, "interval"),
            line(x(summary.p50_ms), base - 26, x(summary.p50_ms), base + 3, "median"),
            line(x(summary.p90_ms), base - 26, x(summary.p90_ms), base + 9, "p90"),
        ]
        marks.append(text(x.start, top + 27, words))
        return [*marks, titled("".join(bars), words)]
    return [*marks, *bars]


def against_length(report: Report) -> str:
    """Returns p90 with its interval against sequence length, the budget as a band, and the paper's points."""
    series = _series(report)
    papers = {model: times for bundle in report.bundles if (times := paper.times_ms(model := bundle.model))}
    lengths = sorted({case.max_length for cases in series.values() for case in cases} | {64, 128, 256, 512})
    summaries = [case.summary for cases in series.values() for case in cases if case.summary]
    values = [bound for summary in summaries for bound in (summary.p90_low_ms, summary.p90_high_ms)]
    values += [
        REPORTED_BUDGET_MS,
        report.settings.budget_ms,
        *(ms for times in papers.values() for ms in times.values()),
    ]
    budgets = sorted({REPORTED_BUDGET_MS, report.settings.budget_ms})
    right, bottom = WIDTH - MARGIN_RIGHT, 300
    x = Scale(lengths[0] * 0.85, lengths[-1] * 1.15, _LEFT, right, is_log=True)
    y = Scale(min(values) * 0.7, max(values) * 1.4, bottom, 28, is_log=True)
    marks = [rectangle(_LEFT, y(budgets[-1]), right, y(budgets[0]), "band")]
    marks += [text(right - 6, y(budget) - 4, f"budget {budget:g} ms", anchor="end") for budget in budgets]
    marks += [*x_axis(x, 28, bottom, "actions of a view, logarithmic", lengths), *y_axis(y, _LEFT, right, "ms")]
    entries = []
    for place, (name, cases) in enumerate(series.items()):
        colour = f"series-{place % NUM_SERIES}"
        marks += _measured(cases, x, y, colour)
        entries.append((f"line {colour}", f"{name}: p90 with its 95 % interval"))
    for model, times in papers.items():
        marks += [path([(x(length), y(ms)) for length, ms in times.items()], "paper")]
        marks += [
            point(x(length), y(ms), "paper-point", f"{model}, {ms} ms: {paper.SOURCE}") for length, ms in times.items()
        ]
        entries.append(("paper", f"{model}: {paper.SOURCE}"))
    return figure(
        bottom + 52 + 18 * len(entries), "Latency against sequence length", [*marks, *legend(entries, bottom + 56)]
    )


def _series(report: Report) -> dict[str, list[CaseResult]]:
    """Returns the valid cases by what is drawn as one line, each ordered by length."""
    found: dict[str, list[CaseResult]] = {}
    for case in sorted(report.cases, key=lambda case: case.max_length):
        if case.summary:
            name = f"{case.bundle_model} {case.recipe}, {case.machine}, {case.condition.label}"
            found.setdefault(name, []).append(case)
    return found


def _measured(cases: Sequence[CaseResult], x: Scale, y: Scale, colour: str) -> list[str]:
    points = [(x(case.max_length), y(case.summary.p90_ms), case) for case in cases if case.summary]
    marks = [path([(left, top) for left, top, _ in points], f"line {colour}")] if len(points) > 1 else []
    for left, top, case in points:
        if case.summary:
            marks.append(line(left, y(case.summary.p90_low_ms), left, y(case.summary.p90_high_ms), f"line {colour}"))
            words = f"{case.file_label}, {case.machine}, {case.condition.label}: p90 {case.summary.p90_ms:.3g} ms"
            marks.append(point(left, top, f"point {colour}", f"{words} ({_interval(case)})"))
    return marks


def traces(states: Sequence[DeviceState]) -> str:
    """Returns temperatures and clocks over the time of a session; "" when the device told none of them."""
    timed = sorted((state for state in states if state.uptime_s is not None), key=lambda state: state.uptime_s or 0.0)
    if len(timed) < 2 or timed[0].uptime_s == timed[-1].uptime_s:
        return ""
    start_s = timed[0].uptime_s or 0.0
    x = Scale(0.0, ((timed[-1].uptime_s or 0.0) - start_s) / 60, _LEFT, WIDTH - MARGIN_RIGHT)
    at = [x(((state.uptime_s or 0.0) - start_s) / 60) for state in timed]
    celsius = {"battery": [state.battery_celsius for state in timed]}
    for sensor in _hottest_sensors(timed):
        celsius[sensor] = [state.celsius.get(sensor) for state in timed]
    ghz: dict[str, list[float | None]] = {}
    for cpu in range(len(timed[0].limit_khz)):
        limits = [_ghz(state.limit_khz, cpu) for state in timed]
        clocks = [_ghz(state.current_khz, cpu) for state in timed]
        ghz.setdefault(f"limit of CPU {cpu}", limits)
        ghz.setdefault(f"clock of CPU {cpu}", clocks)
    return _trace(x, at, celsius, "C", "Temperatures") + _trace(x, at, _distinct(ghz), "GHz", "Clocks")


def _hottest_sensors(states: Sequence[DeviceState]) -> list[str]:
    """Returns the sensors that became hottest, one a colour: phones have dozens."""
    highest: dict[str, float] = {}
    for state in states:
        for name, value in state.celsius.items():
            highest[name] = max(value, highest.get(name, value))
    return sorted(highest, key=lambda name: (-highest[name], name))[: NUM_SERIES - 1]


def _trace(x: Scale, at: Sequence[float], series: dict[str, list[float | None]], unit: str, label: str) -> str:
    values = [value for each in series.values() for value in each if value is not None]
    if not values:
        return ""
    bottom = 180
    y = Scale(min(values) - 0.1 * max(1.0, min(values)), max(values) * 1.1 + 0.1, bottom, 28)
    marks = [*x_axis(x, 28, bottom, "minutes"), *y_axis(y, _LEFT, x.end, unit)]
    entries = []
    for place, (name, each) in enumerate(series.items()):
        points = [(left, y(value)) for left, value in zip(at, each, strict=True) if value is not None]
        if points:
            colour = f"series-{place % NUM_SERIES}"
            marks.append(titled(path(points, f"line {colour}"), name))
            entries.append((f"line {colour}", name))
    return figure(bottom + 52 + 18 * len(entries), label, [*marks, *legend(entries, bottom + 56)])


def _distinct(series: dict[str, list[float | None]]) -> dict[str, list[float | None]]:
    """Returns the first of the series that are equal: the CPUs of a cluster share their clock."""
    found: dict[str, list[float | None]] = {}
    for name, values in series.items():
        if values not in found.values():
            found[name] = values
    return found


def _ghz(khz: Sequence[int | None], cpu: int) -> float | None:
    value = khz[cpu] if cpu < len(khz) else None
    return value / 1e6 if value is not None else None


def _interval(case: CaseResult) -> str:
    return f"{case.summary.p90_low_ms:.3g} to {case.summary.p90_high_ms:.3g}" if case.summary else "-"
