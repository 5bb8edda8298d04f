"""Reports from the files of runs: numbers, sentences, Markdown, and a page that a browser draws."""

import dataclasses
import html.parser
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess

import pytest

from edgedipn_tf.experiments import cells, markdown, page, report, sentences
from edgedipn_tf.experiments.run_files import RunFiles
from edgedipn_tf.experiments.suite import BASE, Entry, Size, Suite, Table
from tests.edgedipn_tf.experiments.made_runs import COST, drawn, write_run

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
INTENT = "realtime_purchase"
STEPS = {"num_epochs": 3, "steps_per_epoch": 200, "global_batch_size": 128}
SIZE = Size(
    name="full", settings=STEPS, fold_settings={}, num_seeds=3, num_folds=2, num_draws=100, num_users=9, num_rollouts=1
)
ENTRIES = (
    Entry(label="trees", model="gbdt", paper={INTENT: 0.79}),
    Entry(label="short", model="edgedipn", settings={"max_length": 64}, paper={INTENT: 0.84}, at=64),
    Entry(label="complete", model="edgedipn", settings={"max_length": 128}, paper={INTENT: 0.85}, at=128),
    Entry(label="absent <b>", model="edgedipn_v1", paper={INTENT: 0.83}),
)
TABLE = Table(title="A table", reference="complete", entries=ENTRIES)
SUITE = Suite(name="made", reproduces="nothing", tables=(TABLE,), axis="newest actions")


def gather(files, suite=SUITE, costs=()):
    return report.gather(
        suite, files, SIZE, data="simulated-9-full", has_folds=False, command="python -m it", costs=costs
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Three seeds of three entries and a failure of the fourth; trees lie below, the short one cannot be told apart."""
    found = RunFiles(tmp_path_factory.mktemp("reports") / "runs")
    for seed in (1, 2, 3):
        noise = 0.001 * seed
        for entry, auc in zip(ENTRIES, (0.60, 0.702 + 3 * noise, 0.706), strict=False):
            aucs = {INTENT: drawn(auc + noise), "retention": drawn(None or 0.5)}
            write_run(found, f"{entry.key(BASE)}-seed{seed}", aucs, seed)
    found.write_failure("edgedipn_v1-seed1", "took more than 30 minutes")
    write_run(found, "oracle,judged=base", {INTENT: drawn(0.9, 0.0)})
    return found


@pytest.fixture(scope="module")
def found(files):
    return gather(files)


def test_the_numbers(found):
    lines = {entry.entry.label: entry.lines.get(INTENT) for entry in found.tables[0].entries}
    assert lines["trees"].auc.mean == pytest.approx(0.602)
    assert lines["trees"].difference.mean == pytest.approx(-0.106) and lines["trees"].difference.sign == -1
    assert lines["short"].difference.sign == 0  # one seed lies above
    assert lines["complete"].difference is None and lines["absent <b>"] is None
    assert lines["trees"].gap_closed.mean == pytest.approx(0.102 / 0.4)
    assert (found.num_finished, found.num_expected) == (9, 12)


def test_the_sentences_say_no_more_than_the_intervals(found):
    assert sentences.of_table(found.tables[0])[0] == (
        "RPAUC, 30 positives, against complete: below it: trees (-0.1060); "
        "not to be told apart from it: short (+0.0020)."
    )
    notes = " ".join(sentences.notes(found))
    assert "SIMULATED" in notes and "9 of 12 runs" in notes and "took more than 30 minutes" in notes
    assert "another shop's data" in notes and "Gap closed" in notes and "Of 3 seed" not in notes
    assert "outperform" not in markdown.render(found) + page.render(found)


def test_networks_are_held_against_the_baselines_of_their_table(found):
    assert sentences.of_table(found.tables[0])[1:3] == [
        "RPAUC, networks against trees: beat it: short (+0.1080), complete (+0.1060).",
        "RAUC, 30 positives, against complete: not to be told apart from it: trees (+0.0000), short (+0.0000).",
    ]
    assert "Networks that lose" not in " ".join(sentences.notes(found))


@pytest.mark.parametrize(
    ("aucs", "against", "order"),
    [
        (
            (0.8, 0.70, 0.75),
            "LOSE to it: tradition (-0.1000), complete (-0.0500)",
            "is NOT shown: tradition is -0.1000 (-0.1000 to -0.1000) from trees, and -0.0500 (-0.0500 to -0.0500) from",
        ),
        (
            (0.6, 0.60, 0.75),
            "beat it: complete (+0.1500); neither (the interval holds 0, or too few seeds agree): tradition (+0.0000)",
            "is NOT shown: tradition is +0.0000 (+0.0000 to +0.0000) from trees, and -0.1500 (-0.1500 to -0.1500) from",
        ),
        (
            (0.6, 0.70, 0.75),
            "beat it: tradition (+0.1000), complete (+0.1500)",
            "HOLDS outside the intervals: tradition is +0.1000 (+0.1000 to +0.1000) from trees, and -0.0500 (-0.0500 "
            "to -0.0500) from",
        ),
    ],
    ids=["loses", "no difference", "holds"],
)
def test_a_loss_is_told_and_whether_the_order_holds(tmp_path, aucs, against, order):
    names = {
        "trees": "gbdt",
        "tradition": "edgedipn_tradition",
        "complete": "edgedipn",
        "linear": "logistic_regression",
    }
    entries = tuple(Entry(label=label, model=model) for label, model in names.items())
    table = Table(title="three", reference="complete", entries=entries, browse_only="tradition")
    files = RunFiles(tmp_path)
    for seed in (1, 2, 3):
        for entry, auc in zip(entries, (*aucs, 0.55), strict=True):
            write_run(files, f"{entry.key(BASE)}-seed{seed}", {INTENT: drawn(auc)}, seed)
    found = gather(files, Suite(name="made", reproduces="nothing", tables=(table,)))
    said = sentences.of_table(found.tables[0])
    assert said[1] == f"RPAUC, networks against trees: {against}."
    assert said[2].startswith("RPAUC, networks against linear: beat it: tradition")
    assert said[3] == f"RPAUC: the order trees < tradition (browse only) < complete {order} complete."
    assert said[4].startswith("RPAUC: the order linear < tradition (browse only) < complete HOLDS") and len(said) == 5
    assert ("at most 76,800 samples" in " ".join(sentences.notes(found))) == ("LOSE" in against)


def test_of_one_seed_a_loss_is_told_and_a_gain_is_not(tmp_path):
    entries = tuple(Entry(label=model, model=model) for model in ("gbdt", "edgedipn", "edgedipn_v1"))
    table = Table(title="one seed", reference="edgedipn", entries=entries)
    files = RunFiles(tmp_path)
    for entry, auc in zip(entries, (0.7, 0.6, 0.8), strict=True):
        write_run(files, f"{entry.key(BASE)}-seed1", {INTENT: drawn(auc)})
    found = gather(files, Suite(name="made", reproduces="nothing", tables=(table,)))
    assert sentences.of_table(found.tables[0])[0] == (
        "RPAUC, 30 positives, against edgedipn: above it by the interval, of too few seeds to say so: gbdt (+0.1000), "
        "edgedipn_v1 (+0.2000)."
    )
    assert sentences.of_table(found.tables[0])[1] == (
        "RPAUC, networks against gbdt: LOSE to it: edgedipn (-0.1000); neither (the interval holds 0, or too few seeds "
        "agree): edgedipn_v1 (+0.1000)."
    )
    assert "Networks that lose" in " ".join(sentences.notes(found))


def test_what_files_cost_stands_beside_the_auc(files):
    suite = dataclasses.replace(SUITE, has_file_costs=True)
    costs = (COST, dataclasses.replace(COST, length=7))  # the suite has no such length
    found = gather(files, suite, costs)
    row = ["edgedipn", "64", "0.7100", "1.235", "1.100", "0.900", "0.712", "1.00", "1.03", "13.7"]
    assert cells.of_files(found)[1] == [row]
    document = markdown.render(found)
    assert f"| {' | '.join(row)} |" in document and "on a host (a processor)" in document
    assert "MB: paper, private data" in document and "ms: paper, phone" in document
    assert "<td>13.7</td>" in page.render(found)
    assert report.to_json(found)["files"][0]["size_bytes"] == 1_234_567
    unmeasured = markdown.render(gather(files, suite))
    assert "Not measured yet" in unmeasured and "| file |" not in unmeasured
    assert "Size and latency" not in markdown.render(gather(files))


def test_a_reference_without_runs_is_told(files):
    table = Table(title="other", reference="absent <b>", entries=ENTRIES)
    said = sentences.of_table(gather(files, Suite(name="made", reproduces="nothing", tables=(table,))).tables[0])
    assert said[0] == "RPAUC: absent <b> has no figure yet, so nothing can be compared."


def test_the_json_has_everything(found):
    values = json.loads(json.dumps(report.to_json(found)))
    trees = values["tables"][0]["entries"][0]
    assert trees["intents"][INTENT]["auc"]["by_seed"] == pytest.approx([0.601, 0.602, 0.603])
    assert trees["paper_private_data"] == {INTENT: 0.79} and trees["cpu_s"] == 21.0
    assert values["tables"][0]["oracle_auc"] == {INTENT: 0.9}
    assert values["provenance"]["seed"] == ["1", "2", "3"] and values["failures"]


def test_the_document(found):
    lines = markdown.render(found).splitlines()
    assert "| trees | 0.6020 | 0.5000 | 3 of 3 | 1,234,567 | 12 | 21 |" in lines
    assert "| oracle (true probabilities) | 0.9000 | – | – | – | – | – |" in lines
    row = next(line for line in lines if line.startswith("| trees | 0.6020 | 0.5925"))
    assert row == (
        "| trees | 0.6020 | 0.5925 to 0.6115 | 0.6010 0.6020 0.6030 | -0.1060 | -0.1060 to -0.1060 "
        "| 25% (23% to 28%) | 30 | 50 | 0.7900 |"
    )


class Reader(html.parser.HTMLParser):
    """Reads a page, refusing tags that do not close in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.names, self._open = [], [], []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.names += [name for name, _ in attrs]
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag


def test_the_page_needs_nothing_else_and_keeps_text_text(found):
    text = page.render(found)
    reader = Reader(text)
    assert not {"script", "link", "img", "b"} & set(reader.tags) and not {"src", "href"} & set(reader.names)
    assert "http" not in text and "absent &lt;b&gt;" in text


def test_every_mark_lies_inside_its_chart(found):
    charts = re.findall(r"<svg.*?</svg>", page.render(found))
    assert len(charts) == 4  # curves and differences of two intents
    for svg in charts:
        height = float(re.search(r'viewBox="0 0 920 ([\d.]+)"', svg)[1])
        for name, value in re.findall(r' (x|x1|x2|cx|y|y1|y2|cy)="([^"]*)"', svg):
            assert 0 <= float(value) <= (920 if "x" in name else height)


def test_the_plot_of_differences(found):
    svg = re.search(r"<svg[^>]*Differences of RPAUC.*?</svg>", page.render(found))[0]
    # Two entries have a difference; the paper has both, marked as its own.
    assert svg.count('class="point series-0"') == 2 and svg.count('class="paper-point"') == 2
    assert "trees: -0.0600, paper, private data" in svg


def test_a_suite_without_runs_can_be_reported(tmp_path):
    empty = gather(RunFiles(tmp_path))
    assert empty.num_finished == 0 and empty.log is None
    assert "0 of 12 runs" in markdown.render(empty) and "<svg" not in page.render(empty)


@pytest.fixture(scope="module")
def browser():
    found = next((program for name in BROWSERS if (program := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium: `apt-get install chromium`, then run again")
    return found


def test_a_browser_draws_it_in_light_and_dark(browser, tmp_path, found):
    (tmp_path / "report.html").write_text(page.render(found))
    pictures = {}
    for scheme, number in (("light", 1), ("dark", 0)):
        picture = pathlib.Path(os.environ.get("EDGEDIPN_PICTURES", tmp_path)) / f"experiments-{scheme}.png"
        command = [browser, "--headless", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={tmp_path}/profile"]
        command += ["--no-sandbox"] if os.getuid() == 0 else []
        command += ["--window-size=1100,2400", f"--blink-settings=preferredColorScheme={number}"]
        command += [f"--screenshot={picture}", "--enable-logging=stderr", f"file://{tmp_path}/report.html"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert "CONSOLE" not in done.stderr
        pictures[scheme] = picture.read_bytes()
        assert struct.unpack_from(">II", pictures[scheme], 16) == (1100, 2400)  # the header of a PNG file
        assert len(pictures[scheme]) > 30_000  # an empty page has a tenth of it
    assert pictures["light"] != pictures["dark"]
