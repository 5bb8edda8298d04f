"""The page: whole, self-contained, safe against foreign text, and drawn by a real browser."""

import dataclasses
import html.parser
import os
import re
import shutil
import struct
import subprocess

import pytest

from android_bench import report_charts, report_html
from android_bench.latency import Verdict, summarize
from android_bench.results import DeviceState, ProcessRun
from tests.android_bench.example_report import PHONES, example
from tests.android_bench.test_results import DEVICE_CASE, HOST_CASE, REPORT

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def page():
    return report_html.render(example())


class Reader(html.parser.HTMLParser):
    """Reads a page, refusing tags that do not close in order, and keeps tags, attributes and text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.words, self._open = [], [], [], []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_every_cell_has_its_row_with_word_and_reason(page):
    rows = re.findall(r"<tr>(.*?)</tr>", page.split("<h2>Verdicts</h2>")[1].split("<h2>")[0])[1:]
    assert len(rows) == len(example().cases)
    for row, case in zip(rows, example().cases, strict=True):
        words = "".join(Reader(row).words)
        assert case.machine in words and all(f" {verdict}" in words for verdict in case.verdicts.values())
        assert (case.problem or "") in words
    for verdict in Verdict:
        assert f'class="chip {verdict.lower()}"' in page


def test_the_page_needs_nothing_else(page):
    reader = Reader(page)
    assert not {"script", "link", "img", "iframe", "object", "image", "use"} & set(reader.tags)
    assert not {"src", "href", "xlink:href", "onload", "style"} & {name for name, _ in reader.attributes}
    assert "http" not in page and "url(" not in page and "@import" not in page


def test_both_themes_define_the_same_colours(page):
    style = page.split("<style>")[1].split("</style>")[0]
    dark = "".join(re.findall(r"@media \(prefers-color-scheme: dark\) (.*?)} }", style, re.DOTALL))
    defined = re.findall(r"(--\w+):", dark)
    assert defined and sorted(re.findall(r"(--\w+):", style)) == sorted(defined * 2)
    assert set(re.findall(r"var\((--\w+)\)", style)) == set(defined)


def test_the_papers_points_are_marked_as_the_papers(page):
    chart = page.split("<h2>Latency against length</h2>")[1].split("<h2>")[0]
    assert chart.count('class="paper-point"') == 4
    assert "edgedipn, 31.2 ms: paper&#x27;s Table 3, not measured here" in chart
    assert 'class="band"' in chart and "budget 20 ms" in chart and "budget 50 ms" in chart


def test_every_mark_lies_inside_its_chart(page):
    charts = re.findall(r'<svg viewBox="0 0 920 ([\d.]+)".*?</svg>', page)
    assert len(charts) == 8  # distributions, lengths, for each of two phones two traces and an operator profile
    for svg in re.findall(r"<svg.*?</svg>", page):
        height = float(re.search(r'viewBox="0 0 920 ([\d.]+)"', svg)[1])
        for name, value in re.findall(r' (x|x1|x2|cx|y|y1|y2|cy)="([^"]*)"', svg):
            assert 0 <= float(value) <= (920 if "x" in name else height)


def test_foreign_text_stays_text():
    hostile = "<script>alert(1)</script>\"'&"
    device = dataclasses.replace(PHONES[0], serial=hostile, model=hostile, build=hostile)
    case = dataclasses.replace(DEVICE_CASE, device=device, file=hostile, problem=hostile, notes=(hostile,))
    valid = dataclasses.replace(HOST_CASE, device=device, file=hostile, recipe=hostile, bundle_model=hostile)
    reader = Reader(report_html.render(dataclasses.replace(REPORT, cases=(case, valid), notes=(hostile,))))
    assert "script" not in reader.tags
    assert hostile in reader.words


def test_operators_have_a_bar_each_and_the_cheap_ones_one(page):
    section = page.split("<h2>Operator profile</h2>")[1].split("<h2>")[0]
    assert section.count("<svg") == 2 and section.count('class="bar"') == 2 * 9  # two phones, length 256, not pinned
    assert "Delegate/Type 0 (NC, F32): 1 nodes, 45.0 %, 0.450 ms" in section and "2 other types (53)" in section
    assert "Python interface gives no profile" in section.replace("&#x27;", "'")
    assert "Operator profile" not in report_html.render(dataclasses.replace(REPORT, cases=(HOST_CASE,)))


def test_a_report_without_valid_cells_has_no_charts():
    page = report_html.render(dataclasses.replace(REPORT, cases=(DEVICE_CASE,)))
    assert "<svg" not in page and "INVALID" in page and "the connection ended early" in page
    assert "<table" not in report_html.render(dataclasses.replace(REPORT, cases=())).split("Machines and settings")[0]


def test_one_run_can_be_drawn():
    one = dataclasses.replace(HOST_CASE, processes=(ProcessRun(0, (5.0,)),), summary=summarize([[5.0]]))
    assert "<rect" in report_charts.distributions([one], 50.0)


def test_latencies_in_a_histogram_are_all_counted():
    # 1 to 4 ms, ten of each but one of 4: four bars, the last a tenth as high.
    samples = (1.0,) * 10 + (2.0,) * 10 + (3.0,) * 10 + (4.0,)
    case = dataclasses.replace(HOST_CASE, processes=(ProcessRun(0, samples),), summary=summarize([samples]))
    heights = re.findall(r'height="([\d.]+)" class="bar"', report_charts.distributions([case], 50.0))
    assert [float(height) for height in heights] == [26.0, 26.0, 26.0, 2.6]


@pytest.mark.parametrize(
    "states",
    [
        [],
        [DeviceState(uptime_s=1.0, battery_celsius=30.0)],
        [DeviceState(uptime_s=1.0, battery_celsius=30.0)] * 2,
        [DeviceState(), DeviceState()],
        [DeviceState(uptime_s=1.0), DeviceState(uptime_s=9.0)],
    ],
    ids=["none", "one", "no time passed", "no times", "nothing told"],
)
def test_what_cannot_be_traced_is_left_out(states):
    assert report_charts.traces(states) == ""


def test_a_trace_shows_the_hottest_sensors():
    states = [
        DeviceState(uptime_s=60.0 * minute, celsius={f"sensor-{i}": 30.0 + i for i in range(40)}) for minute in (1, 2)
    ]
    trace = report_charts.traces(states)
    assert [name for name in re.findall(r"<title>([^<]*)</title>", trace)] == [f"sensor-{i}" for i in range(39, 34, -1)]


@pytest.fixture(scope="module")
def browser():
    found = next((program for name in BROWSERS if (program := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium: `apt-get install chromium`, then run again")
    return found


@pytest.mark.parametrize("width", [1100, 400], ids=["desk", "phone"])
def test_a_browser_draws_it_in_light_and_dark(browser, tmp_path, page, width):
    (tmp_path / "report.html").write_text(page)
    pictures = {}
    for scheme, number in (("light", 1), ("dark", 0)):
        command = [browser, "--headless", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={tmp_path}/profile"]
        command += ["--no-sandbox"] if os.getuid() == 0 else []
        command += [f"--window-size={width},2400", f"--blink-settings=preferredColorScheme={number}"]
        command += [
            f"--screenshot={tmp_path}/{scheme}.png",
            "--enable-logging=stderr",
            f"file://{tmp_path}/report.html",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert "CONSOLE" not in done.stderr
        pictures[scheme] = (tmp_path / f"{scheme}.png").read_bytes()
        assert struct.unpack_from(">II", pictures[scheme], 16) == (width, 2400)  # the header of a PNG file
        assert len(pictures[scheme]) > 30_000  # an empty page has a tenth of it
    assert pictures["light"] != pictures["dark"]
