"""Comparisons of results made by hand: what is slower, what is noise, and the exit code."""

import dataclasses
import re

import numpy as np
import pytest

from android_bench import compare, results_json
from android_bench.__main__ import run
from android_bench.compare import Change
from android_bench.results import ProcessRun
from tests.android_bench.test_results import DEVICE_CASE, HOST_CASE, REPORT


def report(*cases, **changed):
    return dataclasses.replace(REPORT, cases=cases, **changed)


def case_of(*processes, **changed):
    runs = tuple(ProcessRun(order, tuple(samples)) for order, samples in enumerate(processes))
    return dataclasses.replace(HOST_CASE, processes=runs, **changed)


def noisy(seed, level=10.0, spread=0.3, num_processes=3, num_runs=67, between=0.2):
    """Returns processes whose means differ, as those of one file do."""
    random = np.random.default_rng(seed)
    return [
        random.normal(level + random.normal(0, between), spread, num_runs).clip(1).tolist()
        for _ in range(num_processes)
    ]


def change(old, new, tolerance=0.05):
    (found,) = compare.compare(report(case_of(*old)), report(case_of(*new)), tolerance)
    return found


def test_equal_latencies_are_the_same():
    found = change([[10.0] * 50] * 3, [[10.0] * 50] * 3)
    assert (found.change, found.reason) == (Change.SAME, "p50 x 1.000 to 1.000, p90 x 1.000 to 1.000")


def test_constant_latencies_give_their_ratio():
    found = change([[10.0] * 50] * 3, [[12.0] * 50] * 3)
    assert (found.change, found.reason) == (Change.SLOWER, "p50 x 1.200 to 1.200, p90 x 1.200 to 1.200")
    assert change([[12.0] * 50] * 3, [[10.0] * 50] * 3).change is Change.FASTER


@pytest.mark.parametrize(("factor", "expected"), [(1.04, Change.SAME), (1.06, Change.SLOWER), (0.94, Change.FASTER)])
def test_the_tolerance(factor, expected):
    assert change([[10.0] * 50] * 3, [[10.0 * factor] * 50] * 3).change is expected


def test_a_slow_tail_alone_is_slower():
    tail = ([10.0] * 4 + [20.0]) * 10  # the median is what it was; every fifth run is slow
    found = change([[10.0] * 50] * 3, [tail] * 3)
    assert found.change is Change.SLOWER and found.reason.startswith("p50 x 1.000 to 1.000")


def test_processes_that_differ_among_themselves_are_noise():
    assert change([[9.0] * 50, [10.0] * 50, [11.0] * 50], [[10.0] * 50, [11.0] * 50, [12.0] * 50]).change is Change.SAME


def test_the_same_program_measured_twice_is_rarely_called_slower():
    found = [change(noisy(seed), noisy(1000 + seed)).change for seed in range(25)]
    assert found.count(Change.SAME) >= 24


def test_a_tenth_slower_is_found():
    assert [change(noisy(seed), noisy(1000 + seed, 11.5)).change for seed in range(5)] == [Change.SLOWER] * 5


def test_processes_of_other_lengths_count_with_their_own_runs():
    found = change([[10.0] * 7, [10.0] * 50], [[12.0] * 50, [12.0] * 3])
    assert found.reason == "p50 x 1.200 to 1.200, p90 x 1.200 to 1.200"


def test_cells_are_matched_by_what_they_measure():
    old = report(case_of([1.0] * 30), case_of([1.0] * 30, file="gone.tflite"))
    new = report(case_of([1.0] * 30), case_of([1.0] * 30, max_length=256))
    found = {
        each.label.split(" (")[0]: (each.change, each.reason, each.is_lost) for each in compare.compare(old, new, 0.05)
    }
    assert found["tiny.tflite at length 64"][0] is Change.SAME
    assert found["gone.tflite at length 64"] == (Change.UNKNOWN, "only in OLD", True)
    assert found["tiny.tflite at length 256"] == (Change.UNKNOWN, "only in NEW", False)


def test_what_is_invalid_is_not_judged():
    good = dataclasses.replace(DEVICE_CASE, summary=HOST_CASE.summary, processes=HOST_CASE.processes, problem=None)
    (found,) = compare.compare(report(good), report(DEVICE_CASE), 0.05)
    assert (found.change, found.is_lost) == (Change.UNKNOWN, True) and "INVALID in NEW: device SERIAL" in found.reason
    (found,) = compare.compare(report(DEVICE_CASE), report(good), 0.05)
    assert (found.change, found.is_lost) == (Change.UNKNOWN, False)


def test_other_hosts_are_not_compared():
    other = dataclasses.replace(REPORT.environment, processor="another processor")
    (found,) = compare.compare(report(case_of([1.0] * 30)), report(case_of([9.0] * 30), environment=other), 0.05)
    assert (found.change, found.reason) == (Change.UNKNOWN, "the hosts have other processors")


def written(folder, *cases):
    results_json.write(report(*cases), folder)
    return str(folder)


def test_exit_codes(tmp_path, capsys):
    old = written(tmp_path / "old", case_of([10.0] * 50))
    slow = written(tmp_path / "slow", case_of([12.0] * 50))
    assert run(["compare", old, old]) == 0
    assert "1 cells, 0 slower, INVALID or missing" in capsys.readouterr().out
    assert run(["compare", old, slow]) == 1
    printed = capsys.readouterr().out
    assert re.search(r"SLOWER   tiny.tflite at length 64 \(host, not a phone, 1 thread\): p50 x 1.200", printed)
    assert run(["compare", old, slow, "--tolerance=0.3"]) == 0
    assert run(["compare", slow, old]) == 0
    assert run(["compare", old, written(tmp_path / "empty")]) == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "name two folders"),
        (["OLD"], "name two folders"),
        (["OLD", "--speed=1"], "name two folders"),
        (["OLD", "NEW", "--tolerance=-1"], "tolerance"),
        (["/nowhere", "/nowhere"], "/nowhere has no results.json: pass a folder that"),
    ],
)
def test_input_at_fault(capsys, arguments, reason):
    assert run(["compare", *arguments]) == 2
    error = capsys.readouterr().err
    assert reason in error and error.count("\n") == 1


def test_help_teaches(capsys):
    assert run(["compare", "--help"]) == 0
    printed = capsys.readouterr().out
    assert "compare OLD NEW" in printed and "--tolerance  ('0.05')" in printed and "Exit codes" in printed
