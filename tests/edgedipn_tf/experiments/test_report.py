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

from edgedipn_tf.experiments import cells, markdown, page, report, sentences, verdicts
from edgedipn_tf.experiments.run_files import RunFiles
from edgedipn_tf.experiments.suite import BASE, Entry, Size, Suite, Table
from tests.edgedipn_tf.experiments.made_runs import COST, drawn, write_run

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
INTENT = "realtime_purchase"
STEPS = {"num_epochs": 3, "steps_per_epoch": 200, "global_batch_size": 128}
FOLD_STEPS = {"num_epochs": 1}
SIZE = Size(
    name="full",
    settings=STEPS,
    fold_settings=FOLD_STEPS,
    num_seeds=3,
    num_folds=2,
    num_seeds_a_fold=2,
    num_draws=100,
    num_users=9,
    num_rollouts=1,
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


def written(files, entries, aucs, seeds=(1, 2, 3), **settings):
    """Writes runs whose seeds have the same AUC, and returns their table as reported."""
    for seed in seeds:
        for entry, auc in zip(entries, aucs, strict=True):
            write_run(files, f"{entry.key(BASE)}-seed{seed}", {INTENT: drawn(auc)}, seed)
    table = Table(title="made", entries=entries, **settings)
    return gather(files, Suite(name="made", reproduces="nothing", tables=(table,)))


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
    assert verdicts.of_intent(found.tables[0], INTENT)[0] == (
        "RPAUC, 30 positives, against complete: below it: trees (-0.1060); "
        "not to be told apart from it: short (+0.0020)."
    )
    notes = " ".join(sentences.notes(found))
    assert "SIMULATED" in notes and "9 of 12 runs" in notes and "took more than 30 minutes" in notes
    assert "another shop's data" in notes and "Gap closed" in notes and "Of 3 seed" not in notes
    assert "outperform" not in markdown.render(found) + page.render(found)


def test_networks_are_held_against_the_baselines_of_their_table(found):
    assert verdicts.of_intent(found.tables[0], INTENT)[1:] == [
        "Networks against trees: beat it: short (+0.1080), complete (+0.1060)."
    ]
    assert verdicts.of_intent(found.tables[0], "retention") == [
        "RAUC, 30 positives, against complete: not to be told apart from it: trees (+0.0000), short (+0.0000).",
        "Networks against trees: neither (the interval holds 0, or too few seeds agree): short (+0.0000), complete "
        "(+0.0000).",
    ]
    assert "Networks that lose" not in " ".join(sentences.notes(found))


def test_under_the_first_table_each_entry_has_its_intents(found):
    assert verdicts.of_table(found.tables[0]) == [
        "complete against trees: beats it: RPAUC (+0.1060); neither (the interval holds 0, or too few seeds agree): "
        "RAUC (+0.0000).",
        "short against complete: not to be told apart from it: RPAUC (+0.0020), RAUC (+0.0000).",
    ]
    of_one_intent = dataclasses.replace(found.tables[0], intents=(INTENT,))
    assert verdicts.of_table(of_one_intent) == []  # the sentences under the only table say it


def test_networks_that_all_lose_are_summed_up(tmp_path):
    networks = (Entry(label=f"h = {hops}", model="edgedipn", settings={"num_hops": hops}) for hops in (1, 2, 3, 4))
    entries = (Entry(label="trees", model="gbdt"), *networks)
    found = written(RunFiles(tmp_path), entries, (0.8, 0.7, 0.71, 0.72, 0.73), reference="h = 4")
    assert verdicts.of_intent(found.tables[0], INTENT)[1] == (
        "Networks against trees: all 4 LOSE to it (-0.1000 to -0.0700)."
    )


@pytest.mark.parametrize(
    ("aucs", "against", "order"),
    [
        (
            (0.8, 0.70, 0.65),
            "LOSE to it: tradition (-0.1000), complete (-0.1500)",
            "is NOT shown for trees, linear: tradition is -0.1000 (-0.1000 to -0.1000) from trees, +0.1500 (+0.1500 to "
            "+0.1500) from linear, and +0.0500 (+0.0500 to +0.0500)",
        ),
        (
            (0.6, 0.60, 0.75),
            "beat it: complete (+0.1500); neither (the interval holds 0, or too few seeds agree): tradition (+0.0000)",
            "HOLDS outside the intervals for linear; is NOT shown for trees: tradition is +0.0000 (+0.0000 to +0.0000) "
            "from trees, +0.0500 (+0.0500 to +0.0500) from linear, and -0.1500 (-0.1500 to -0.1500)",
        ),
        (
            (0.6, 0.70, 0.75),
            "beat it: tradition (+0.1000), complete (+0.1500)",
            "HOLDS outside the intervals for trees, linear: tradition is +0.1000 (+0.1000 to +0.1000) from trees, "
            "+0.1500 (+0.1500 to +0.1500) from linear, and -0.0500 (-0.0500 to -0.0500)",
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
    found = written(RunFiles(tmp_path), entries, (*aucs, 0.55), reference="complete", browse_only="tradition")
    said = verdicts.of_intent(found.tables[0], INTENT)
    assert said[1] == f"Networks against trees: {against}."
    assert said[2].startswith("Networks against linear: beat it: tradition")
    assert said[3] == f"The order baseline < tradition (browse only) < complete {order} from complete."
    assert len(said) == 4
    for has_folds, num_samples in ((False, "76,800"), (True, "25,600")):
        notes = " ".join(sentences.notes(dataclasses.replace(found, has_folds=has_folds)))
        assert (f"at most {num_samples} samples" in notes) == ("LOSE" in against)


def test_how_parts_of_the_users_took_the_seeds_is_told(found):
    of_folds = dataclasses.replace(found, has_folds=True)
    nested = dataclasses.replace(of_folds, size=dataclasses.replace(SIZE, num_seeds_a_fold=3))
    by_day, in_turn, each = (" ".join(sentences.notes(made)) for made in (found, of_folds, nested))
    assert "parts of the users" not in by_day
    assert "2 parts of the users judge in turn, trained on the others, 2 of 3 seeds each: what a seed" in in_turn
    assert "3 of 3 seeds each: every seed with every part." in each


def test_of_one_seed_a_loss_is_told_and_a_gain_is_not(tmp_path):
    entries = tuple(Entry(label=model, model=model) for model in ("gbdt", "edgedipn", "edgedipn_v1"))
    found = written(RunFiles(tmp_path), entries, (0.7, 0.6, 0.8), seeds=(1,), reference="edgedipn")
    assert verdicts.of_intent(found.tables[0], INTENT) == [
        "RPAUC, 30 positives, against edgedipn: above it by the interval, of too few seeds to say so: gbdt (+0.1000), "
        "edgedipn_v1 (+0.2000).",
        "Networks against gbdt: LOSE to it: edgedipn (-0.1000); neither (the interval holds 0, or too few seeds "
        "agree): edgedipn_v1 (+0.1000).",
    ]
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
    said = gather(files, Suite(name="made", reproduces="nothing", tables=(table,))).tables[0]
    assert verdicts.of_intent(said, INTENT)[0] == "absent <b> has no figure yet, so nothing can be compared."


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
    # Two entries have a difference; the paper has both, marked as its own, and in the legend.
    assert svg.count('class="point series-0"') == 2 and svg.count('class="paper-point"') == 2 + 1
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
