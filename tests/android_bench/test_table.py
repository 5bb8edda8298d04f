import dataclasses

from android_bench import table
from android_bench.latency import LatencySummary, Verdict
from tests.android_bench.test_results import DEVICE_CASE, HOST_CASE, REPORT


def test_table_of_a_host_and_a_lost_device():
    heading, rule, host, lost, native, *rest = table.render(REPORT).splitlines()
    assert rule == "-" * len(heading)
    assert [heading.rindex(word) for word in ("recipe", "measured", "MB", "20 ms", "50 ms")] == [
        host.index(word) for word in ("int8", "host", "1.23", "INCONCLUSIVE", "PASS")
    ]
    assert host.split() == (
        "tiny.tflite int8 64 host, not a phone 1 thread 1.23 2 3.25 2 to 3.25 2.5e-03 INCONCLUSIVE PASS".split()
    )
    assert lost.split() == (
        "tiny.tflite int8 64 Maker Model (SERIAL) 2 threads, pinned 1.23 - - - - INVALID INVALID".split()
    )
    assert "host, not a phone, native runner  1 thread, every 1000 ms  1.23" in native
    assert rest == [
        "",
        "verdict (host, not a phone, 1 thread): PASS: tiny.tflite at length 64 p90 3.25 ms (3 runs) within 50 ms",
        "verdict (Maker Model (SERIAL), 2 threads, pinned): INVALID: tiny.tflite at length 64: device SERIAL: "
        "benchmark_model did not finish: the connection ended early",
        "verdict (host, not a phone, native runner, 1 thread, every 1000 ms): PASS: tiny.tflite at length 64 p90 3.25 "
        "ms (3 runs) within 50 ms",
        "AUC (host, not a phone, native runner, 1 thread, every 1000 ms): tiny.tflite at length 64: leaf_category n/a, "
        "realtime_purchase -0.0125 from this computer's 0.7500",
        "operators (host, not a phone, native runner, 1 thread, every 1000 ms): tiny.tflite: FULLY_CONNECTED 81 %, "
        "TANH 19 %, others 0 %",
        "paper's Table 3, not measured here: edgedipn: 13.7 ms at length 64, 22.6 ms at length 128, 31.2 ms at length "
        "256, 48.9 ms at length 512",
        "note: no phone was measured: none is attached",
    ]


def test_verdict_lines():
    slow = LatencySummary(200, 50.0, 60.0, 55.0, 65.0)
    failed = dataclasses.replace(HOST_CASE, summary=slow, verdicts={"20": Verdict.FAIL, "50": Verdict.FAIL})
    assert table.verdict_line(failed, 50.0).endswith("FAIL: tiny.tflite at length 64 p90 60 ms (200 runs) above 50 ms")
    open_ended = dataclasses.replace(failed, verdicts={"50": Verdict.INCONCLUSIVE})
    assert "p90 60 ms (200 runs) not certainly on either side of 50 ms" in table.verdict_line(open_ended, 50.0)


def test_a_table_without_cases_still_says_why():
    empty = dataclasses.replace(REPORT, cases=(), bundles=(), notes=("nothing",))
    assert table.render(empty) == "note: nothing"


def test_an_unknown_device_is_named_by_its_serial():
    unknown = dataclasses.replace(DEVICE_CASE.device, manufacturer="", model="")
    assert dataclasses.replace(DEVICE_CASE, device=unknown).machine == "device SERIAL"
