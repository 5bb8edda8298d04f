"""The oracle's command: its file joins with the samples, and its probabilities are in order; mistakes are one line."""

import pathlib
import shutil
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_pipelines import simulate_events, simulation_oracle
from beam_pipelines.simulated_log import open_simulated_log, user_name
from edgedipn_tf import commands
from edgedipn_tf.schema import INTENTS, Level
from edgedipn_tf.simulation.journeys import simulate_journeys

NUM_USERS = 12
INTENT_NAMES = [intent.name for intent in INTENTS]


def oracle(*argv: str) -> int:
    return commands.run(simulation_oracle.DESCRIPTION, simulation_oracle.define_flags, simulation_oracle.main, argv)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pathlib.Path]:
    """A log with a user that could not log browsing, and samples of it with labels that are all known."""
    work = tmp_path_factory.mktemp("oracle")
    (work / "world.toml").write_text("[traits]\nmissing_view_shares = [0.0, 0.0, 0.3]\n")
    argv = (f"--output={work / 'logs'}", f"--num_users={NUM_USERS}", "--num_days=6", f"--world={work / 'world.toml'}")
    assert commands.run("", simulate_events.define_flags, simulate_events.main, argv) == 0
    pq.write_table(samples(work / "logs"), work / "samples.parquet")
    yield work
    shutil.rmtree(work)


def samples(logs: pathlib.Path) -> pa.Table:
    log = open_simulated_log(logs)
    journeys = simulate_journeys(log.world, range(NUM_USERS), log.day_start_ms())
    page = np.arange(5, len(journeys.pages.page), 40)
    leaves = [log.world.categories.leaf_names[leaf] for leaf in journeys.pages.focus[page]]
    tops = [
        log.world.categories.top_names[log.world.categories.top_of_leaf[leaf]] for leaf in journeys.pages.focus[page]
    ]
    columns = {
        "user_id": [user_name(user) for user in journeys.pages.user[page].tolist()],
        "t0_ms": journeys.pages.open_ms[page],
        "split": ["eval" if row % 4 else "train" for row in range(len(page))],
        "candidate_leaf": [[leaf, None, "no such leaf"] for leaf in leaves],
        "candidate_top": [[top, top, None] for top in tops],
    }
    for intent in INTENTS:
        places = 1 if intent.level is Level.NONE else 3
        columns[f"{intent.name}_label"] = [[row % 2] * places for row in range(len(page))]
        columns[f"{intent.name}_weight"] = [[1.0] * places for _ in page]
    return pa.table(columns)


@pytest.fixture(scope="module")
def found(work: pathlib.Path) -> pa.Table:
    argv = (f"--logs={work / 'logs'}", f"--samples={work / 'samples.parquet'}", f"--output={work / 'oracle.parquet'}")
    assert oracle(*argv, "--rollouts=60") == 0
    return pq.read_table(work / "oracle.parquet")


def test_rows_are_those_of_the_samples(work: pathlib.Path, found: pa.Table) -> None:
    table = pq.read_table(work / "samples.parquet")
    table = table.filter(pa.compute.equal(table["split"], "eval"))
    keys = ["user_id", "t0_ms", "split", "candidate_leaf", "candidate_top"]
    assert found.select(keys).to_pylist() == table.select(keys).to_pylist()
    assert found.column_names == keys + [f"{name}_probability" for name in INTENT_NAMES]


def test_probabilities_are_in_order(found: pa.Table) -> None:
    p = {name: np.array(found[f"{name}_probability"].to_pylist(), float) for name in INTENT_NAMES}
    assert all(((values >= 0) & (values <= 1))[np.isfinite(values)].all() for values in p.values())
    assert 0 < p["realtime_purchase"].mean() < p["longtime_top_category"][:, 0].mean() < p["retention"].mean() < 1
    # By rollout, what is bought in a leaf is bought in its top, and what is bought there is bought.
    assert (p["realtime_leaf_category"][:, 0] <= p["realtime_top_category"][:, 0]).all()
    assert (p["realtime_top_category"][:, 0] <= p["realtime_purchase"][:, 0]).all()
    assert (p["realtime_top_category"] <= p["longtime_top_category"])[:, :2].all()


def test_a_candidate_without_a_name_of_the_shop_is_null(found: pa.Table) -> None:
    assert all(row[1] is None and row[2] is None for row in found["realtime_leaf_category_probability"].to_pylist())
    assert all(row[0] == row[1] and row[2] is None for row in found["longtime_top_category_probability"].to_pylist())


def test_what_cannot_be_logged_does_not_happen(work: pathlib.Path, found: pa.Table) -> None:
    users = {row["user_id"] for path in (work / "logs/browse").iterdir() for row in pq.read_table(path).to_pylist()}
    rows = found.to_pylist()
    silent = [row for row in rows if row["user_id"] not in users]
    assert 0 < len(silent) < len(rows)
    assert all(row["longtime_purchase_probability"] == [0.0] for row in silent)
    assert any(row["retention_probability"] != [0.0] for row in silent)


def test_the_same_samples_get_the_same_bytes_whatever_else_is_asked(work: pathlib.Path, found: pa.Table) -> None:
    argv = (f"--logs={work / 'logs'}", f"--samples={work / 'samples.parquet'}", "--rollouts=60", "--max_samples=5")
    assert oracle(*argv, f"--output={work / 'some.parquet'}") == 0
    assert pq.read_table(work / "some.parquet").equals(found.slice(0, 5))


@pytest.mark.parametrize("given", ["views", "browse"])
def test_less_may_be_given(work: pathlib.Path, found: pa.Table, given: str, capsys: pytest.CaptureFixture[str]) -> None:
    argv = (f"--logs={work / 'logs'}", f"--samples={work / 'samples.parquet'}", "--rollouts=60", f"--given={given}")
    assert oracle(*argv, f"--output={work / given}", "--max_length=16") == 0
    assert f"given {given}" in capsys.readouterr().out
    less = pq.read_table(work / given)
    column = "realtime_purchase_probability"
    assert less.column_names == found.column_names and less[column].to_pylist() != found[column].to_pylist()


def test_mistakes_are_one_line(work: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = pq.read_table(work / "samples.parquet")
    user = table.column_names.index("user_id")
    strange = table.set_column(user, "user_id", pa.array(["user-000099"] * len(table)))
    pq.write_table(strange, tmp_path / "strange.parquet")
    t0 = table.column_names.index("t0_ms")
    pq.write_table(table.set_column(t0, "t0_ms", pa.array([5] * len(table))), tmp_path / "early.parquet")
    pq.write_table(table.drop_columns(["t0_ms"]), tmp_path / "poor.parquet")
    (tmp_path / "text.parquet").write_text("text")
    logs, samples_file = f"--logs={work / 'logs'}", f"--samples={work / 'samples.parquet'}"
    (work / "there.parquet").write_bytes(b"")
    for argv, named in (
        ((logs, f"--samples={tmp_path / 'strange.parquet'}"), "'user-000099' is not of the simulated log"),
        ((logs, f"--samples={tmp_path / 'early.parquet'}"), "outside the days"),
        ((logs, f"--samples={tmp_path / 'poor.parquet'}"), "no column t0_ms"),
        ((logs, f"--samples={tmp_path / 'text.parquet'}"), "not a Parquet file"),
        ((logs, f"--samples={tmp_path / 'absent.parquet'}"), "no such file"),
        ((f"--logs={tmp_path}", samples_file), "world.json"),
        ((logs, samples_file, f"--output={work / 'there.parquet'}"), "--overwrite"),
    ):
        output = () if "--output" in argv[-1] else (f"--output={tmp_path / 'out.parquet'}",)
        assert oracle(*argv, *output) == 2
        message = capsys.readouterr().err
        assert named in message and message.count("\n") == 1
        assert not (tmp_path / "out.parquet").exists()


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    assert oracle("--help") == 0
    assert "--given" in capsys.readouterr().out
