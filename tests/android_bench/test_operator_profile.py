"""Operator profiles: one typed text an era, by hand; figures are ours."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from android_bench import profile_chart
from android_bench.operator_profile import OperatorTime, parse
from tests.android_bench import stand_in_runner, stand_in_tool
from tests.android_bench.example_report import PROFILE

TF_1_14 = """\
============================== Run Order ==============================
\t  [node type]\t [start]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]
\t  CONV_2D\t            0.000\t    4.269\t    4.000\t 40.000%\t 40.000%\t 0.000\t 1\t[a/Relu6]
\t  SOFTMAX\t            4.269\t    0.005\t    0.500\t  5.000%\t 45.000%\t 0.000\t 1\t[b]
\t  CONV_2D\t            5.000\t    5.472\t    5.500\t 55.000%\t100.000%\t 0.000\t 1\t[c, d]

============================== Top by Computation Time ==============================
\t  [node type]\t [start]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]
\t  CONV_2D\t            5.000\t    5.472\t    5.500\t 55.000%\t 55.000%\t 0.000\t 1\t[c, d]

Number of nodes executed: 3
============================== Summary by node type ==============================
\t  [Node type]\t  [count]\t  [avg ms]\t    [avg %]\t    [cdf %]\t  [mem KB]\t[times called]
\t  CONV_2D\t        2\t     9.500\t    95.000%\t    95.000%\t     0.000\t        2
"""
CONVOLUTIONS = (OperatorTime("CONV_2D", 2, 95.0, 9.5), OperatorTime("SOFTMAX", 1, 5.0, 0.5))
LOGCAT = "".join(f"05-31 10:31:13.0{place} 21767 21767 I tflite  : {line}\n" for place, line in enumerate(
    TF_1_14.splitlines(), start=10))  # fmt: skip
TOOL = (OperatorTime("Fully Connected (NC, F32) GEMM", 1, 60.0, 0.6), OperatorTime("GATHER", 2, 40.0, 0.4))
LITERT_2 = (OperatorTime("Delegate/Sum (ND) Reduce2", 1, 99.75, 0.399), OperatorTime("DEQUANTIZE", 1, 0.25, 0.001))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TF_1_14, CONVOLUTIONS),
        (LOGCAT, CONVOLUTIONS),
        (stand_in_tool.PROFILE, TOOL),
        (stand_in_runner.PROFILE, LITERT_2),
        (stand_in_tool.PROFILE.split("INFO: Operator-wise")[0], None),  # of loading alone
        ("count=50 first=1 curr=1", None),
        ("", None),
        (TF_1_14.replace("[avg ms]", "[avg us]"), None),  # a unit that is not known here
        (TF_1_14.split("\n")[0], None),
    ],
    ids=["1.14", "logcat", "2.x", "LiteRT 2", "loading only", "no profile", "nothing", "other columns", "cut off"],
)
def test_each_form_is_read(text, expected):
    assert parse(text) == expected


def test_a_hostile_type_is_one_short_printable_line():
    hostile = stand_in_runner.PROFILE.replace("DEQUANTIZE", "\x1b[2J" + "x" * 400)
    (_, other) = parse(hostile)
    assert other.operator == ("[2J" + "x" * 400)[:120]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, len(TF_1_14)), st.integers(0, len(TF_1_14)), st.text(max_size=20))
def test_damaged_text_is_no_error(start, end, inserted):
    found = parse(TF_1_14[:start] + inserted + TF_1_14[end:])
    assert found is None or all(each.num_nodes > 0 for each in found)


def test_the_chart_puts_what_is_cheap_together():
    shown = profile_chart.shown(PROFILE)
    assert [each.operator for each in shown[:8]] == [each.operator for each in PROFILE[:8]]
    assert shown[8:] == [OperatorTime("2 other types", 25 + 28, 1.0, 0.01)]
    assert profile_chart.shown(PROFILE[:8]) == list(PROFILE[:8])
