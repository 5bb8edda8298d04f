"""The texts are typed here after the documented formats, one of each era; the figures are ours."""

import pytest

from android_bench.benchmark_model_output import parse, single_latency_ms

TF_1_13 = """\
STARTING!
Num runs: [1]
resolved reporter
Running benchmark for at least 1 iterations and at least 0.5 seconds
count=1 curr=751932

Running benchmark for at least 1 iterations and at least 1 seconds
count=1 curr=747733

Average inference timings in us: Warmup: 751932, Init: 21039, no stats: 747733
"""
TF_1_14 = """\
count=5 first=83235 curr=79000 min=78000 max=83235 avg=79760.9 std=1200
count=50 first=79001 curr=79950 min=78600 max=81000 avg=79760.9 std=320
Average inference timings in us: Warmup: 83235, Init: 38467, Inference: 79760.9
"""
TF_2_3 = """\
Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
count=3 first=217409 curr=210500 min=210500 max=217409 avg=213058 std=3000

Running benchmark for at least 50 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
count=50 first=210001 curr=210050 min=209000 max=212000 avg=210028 std=500

Inference timings in us: Init: 2517, First inference: 217409, Warmup (avg): 213058, Inference (avg): 210028
Peak memory footprint (MB): init=1 overall=7.5
"""
TF_2_12 = """\
INFO: STARTING!
INFO: Explicitly applied XNNPACK delegate, and the model graph will be partially executed by the \
delegate w/ 2 delegate kernels.
INFO: Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
INFO: count=88 first=6000 curr=5600 min=5500 max=6100 avg=5650.5 std=80

INFO: Running benchmark for at least 50 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
INFO: count=177 first=5601 curr=5612 min=5540 max=5900 avg=5.64e+03 std=40

INFO: Inference timings in us: Init: 3200, First inference: 6000, Warmup (avg): 5650.5, Inference (avg): 5640
INFO: Memory footprint delta from the start of the tool (MB): init=4.25 overall=9.5
INFO: Overall peak memory footprint (MB) via periodic monitoring: 11.25
"""
TF_2_18 = """\
INFO: Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
INFO: count=1 curr=1357602 p5=1357602 median=1357602 p95=1357602

INFO: Running benchmark for at least 50 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
INFO: count=50 first=1249964 curr=1240143 min=1238588 max=1252566 avg=1.24027e+06 std=2565 \
p5=1238753 median=1239807 p95=1247415

INFO: Inference timings in us: Init: 8000, First inference: 1357602, Warmup (avg): 1.3576e+06, \
Inference (avg): 1.24027e+06
INFO: Memory status at the end of exeution:
INFO: - VmRSS              : 12 MB
INFO:     + RssAnnon           : 8 MB
"""
LITERT_2 = """\
INFO: Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
INFO: count=2 curr=7000(all same) p5=7000 median=7000 p95=7000
INFO: Running benchmark for at least 1 iterations and at least 0 seconds but terminate if exceeding 150 seconds.
INFO: count=1 curr=6500 p5=6500 median=6500 p95=6500
INFO: [./litert/tools/benchmark_litert_model.h:72]
========== BENCHMARK RESULTS ==========
Model initialization: 12.50 ms
Warmup (first):       7.00 ms
Warmup (avg):         7.00 ms (2 runs)
Inference (avg):      6.50 ms (1 runs)
Peak memory: 31.75 MB
"""
RUN_MODEL = """\
I0000 00:00:1700000000.000000    4242 run_model.cc:300] First run took 9000 microseconds
I0000 00:00:1700000000.000000    4242 run_model.cc:301] Slowest run took 9000 microseconds
I0000 00:00:1700000000.000000    4242 run_model.cc:302] Fastest run took 4000 microseconds
I0000 00:00:1700000000.000000    4242 run_model.cc:303] All runs took average 5000 microseconds
"""


def logcat(text: str) -> str:
    return "\n".join(f"07-14 13:14:56.520 22838 22838 I tflite  : {line}" for line in text.splitlines())


@pytest.mark.parametrize(
    ("text", "count", "last_ms", "average_ms", "init_ms", "first_inference_ms"),
    [
        (TF_1_13, 1, 747.733, 747.733, 21.039, None),
        (TF_1_14, 50, 79.950, 79.7609, 38.467, None),
        (TF_2_3, 50, 210.050, 210.028, 2.517, 217.409),
        (TF_2_12, 177, 5.612, 5.64, 3.2, 6.0),
        (TF_2_18, 50, 1240.143, 1240.27, 8.0, 1357.602),
        (logcat(TF_2_18), 50, 1240.143, 1240.27, 8.0, 1357.602),
        (LITERT_2, 1, 6.5, 6.5, 12.5, 7.0),
    ],
    ids=["tf1.13", "tf1.14", "tf2.3", "tf2.12", "tf2.18", "logcat", "litert2"],
)
def test_each_era_is_read(text, count, last_ms, average_ms, init_ms, first_inference_ms):
    output = parse(text)
    assert output.measured.count == count
    assert output.measured.last_ms == pytest.approx(last_ms)
    assert output.measured.average_ms == pytest.approx(average_ms)
    assert output.average_ms == pytest.approx(average_ms)
    assert output.init_ms == pytest.approx(init_ms)
    assert output.first_inference_ms == (None if first_inference_ms is None else pytest.approx(first_inference_ms))


def test_warmup_is_the_first_announced_section():
    assert parse(TF_2_3).warmup.count == 3
    assert parse(TF_2_18).warmup.last_ms == pytest.approx(1357.602)


def test_a_warmup_that_was_cut_off_is_not_taken_for_the_measurement():
    cut = TF_2_18[: TF_2_18.index("INFO: Running benchmark for at least 50")]
    assert parse(cut).measured is None
    unannounced = "count=1 curr=751932\n"
    assert parse(unannounced).measured is None


def test_p5_median_p95_only_where_printed():
    assert parse(TF_2_12).measured.median_ms is None
    measured = parse(TF_2_18).measured
    assert (measured.p5_ms, measured.median_ms, measured.p95_ms) == pytest.approx((1238.753, 1239.807, 1247.415))


def test_all_same_fills_the_extremes():
    warmup = parse(LITERT_2).warmup
    assert (warmup.count, warmup.first_ms, warmup.min_ms, warmup.max_ms, warmup.average_ms) == (2, 7.0, 7.0, 7.0, 7.0)


def test_memory_of_each_era():
    assert parse(TF_2_3).memory_mb == {"init": 1.0, "overall": 7.5}
    assert parse(TF_2_12).memory_mb == {"init": 4.25, "overall": 9.5, "peak": 11.25}
    assert parse(TF_2_18).memory_mb == {"rss": 12.0}
    assert parse(LITERT_2).memory_mb == {"peak": 31.75}


def test_run_model_has_extremes_but_no_count():
    measured = parse(RUN_MODEL).measured
    assert (measured.count, measured.first_ms, measured.min_ms, measured.max_ms, measured.average_ms) == (
        None,
        9,
        4,
        9,
        5,
    )
    with pytest.raises(ValueError, match="no statistics"):
        single_latency_ms(parse(RUN_MODEL))


def test_delegates_unknown_flags_and_errors_are_noticed():
    assert "partially executed" in parse(TF_2_12).delegates[0]
    output = parse("WARN: Unconsumed cmdline flags: --warmup_min_secs=0 --max_secs=60\nERROR: Benchmarking failed.\n")
    assert output.unknown_flags == ("--warmup_min_secs=0", "--max_secs=60")
    assert output.errors == ("ERROR: Benchmarking failed.",)


def test_single_latency_is_that_of_one_run():
    assert single_latency_ms(parse(TF_1_13)) == pytest.approx(747.733)
    assert single_latency_ms(parse(LITERT_2)) == 6.5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TF_2_18, "50 runs instead of 1"),
        (TF_2_18.replace("count=50 first", "count=0 first"), "0 runs instead of 1"),
        ("", "no statistics"),
        ("\x00\xff count=one curr=fast", "no statistics"),
        (LITERT_2.replace("count=1 curr=6500", "count=1 curr=0"), "no latency above 0"),
        (LITERT_2.replace("count=1 curr=6500", "count=1 curr=-6500"), "no latency above 0"),
        (LITERT_2.replace("count=1 curr=6500", "count=1 curr=nan"), "no statistics"),
        (LITERT_2.replace("count=1 curr=6500", "count=1 curr=6500abc"), "no statistics"),
    ],
)
def test_an_average_is_never_taken_for_a_single_latency(text, reason):
    with pytest.raises(ValueError, match=reason):
        single_latency_ms(parse(text))
