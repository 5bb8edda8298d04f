"""A dataset with the two intents of DIPN on the whole way: what comes after the job takes them from the schema."""

import dataclasses
import json
import pathlib

import numpy as np
import pytest

from beam_pipelines import discretize_events
from edgedipn_tf import evaluation, quickstart_table
from edgedipn_tf.dataset import open_dataset
from edgedipn_tf.models.variants import build_model
from edgedipn_tf.schema import Window, edgedipn_schema
from tests import stages

START_MS = 1_772_323_200_000  # 2026-03-01T00:00Z
HOUR_MS = 3600 * 1000
INTENTS = ["realtime_purchase", "longtime_purchase"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Two users with an action every four hours of three days; at 22 hours, one a day, it is a purchase."""
    folder = tmp_path_factory.mktemp("dipn")
    rows = [
        {
            "user_id": user,
            "timestamp_ms": START_MS + hour * HOUR_MS,
            "action": "purchase" if hour % 24 == 22 else "browse",
        }
        for user in ("a", "b")
        for hour in range(2, 72, 4)
    ]
    (folder / "browse.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    flags = ("--labels=dipn", "--evaluation_date=2026-03-02", "--samples_per_user_day=9", "--num_shards=1")
    arguments = [f"--browse={folder / 'browse.jsonl'}", f"--output={folder / 'dataset'}", *flags]
    assert discretize_events.run(arguments) == 0
    return folder / "dataset"


def test_the_schema_records_the_two_intents(dataset: pathlib.Path) -> None:
    opened = open_dataset(dataset)
    assert opened.schema.fingerprint == edgedipn_schema("UTC", opened.schema.timezone_version, "dipn").fingerprint
    assert opened.schema.fingerprint != edgedipn_schema("UTC", opened.schema.timezone_version).fingerprint
    assert [(i.name, i.window) for i in opened.schema.intents] == [
        ("realtime_purchase", Window.HOUR),
        ("longtime_purchase", Window.DAY),
    ]
    assert list(json.loads((dataset / "counters.json").read_text())["labels"]["eval"]) == sorted(INTENTS)


def test_batches_model_and_metrics_are_of_the_two_intents(dataset: pathlib.Path) -> None:
    opened = open_dataset(dataset)
    (batch,) = opened.evaluation_batches("eval", 8, 64, extras=True).as_numpy_iterator()
    inputs, labels, weights, extras = batch
    assert list(labels) == list(weights) == INTENTS
    of_a = extras["user_id"] == b"a"
    hours = (extras["t0_ms"][of_a] - START_MS) // HOUR_MS
    assert hours.tolist() == list(range(26, 72, 4))
    # A purchase within 24 hours: known while the window ends by 72, which is after the last purchase at 70.
    assert weights["longtime_purchase"][of_a, 0].tolist() == [float(hour <= 47) for hour in hours]
    assert labels["longtime_purchase"][of_a, 0].tolist() == [float(hour <= 46) for hour in hours]
    assert weights["realtime_purchase"][of_a, 0].tolist() == [float(hour <= 70) for hour in hours]
    model = build_model("dipn_edge", opened.schema, max_length=8, units=4, hidden_units=(4, 4))
    found = evaluation.Evaluator(model, opened, 8, 16)("eval")
    assert list(found) == INTENTS
    assert found["longtime_purchase"].num_positives == 2 * np.count_nonzero(hours <= 46)
    assert list(evaluation.report(opened, "eval", found)["intents"]) == INTENTS


@pytest.mark.slow
def test_the_public_commands_end_with_the_table(tmp_path: pathlib.Path) -> None:
    changes = {stages.DISCRETIZE: "--labels=dipn", stages.TRAIN: "--model=dipn_edge"}
    for stage in stages.STAGES:
        more = (changes[stage],) if stage in changes else ()
        changed = dataclasses.replace(stage, arguments=(*stage.arguments, *more))
        stages.finish(changed, tmp_path, tmp_path / stage.name)
    metrics = json.loads((tmp_path / "workdir" / "metrics.json").read_text())
    assert sorted(metrics["intents"]) == sorted(INTENTS)
    manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_text())
    assert [intent["name"] for intent in manifest["intents"]] == INTENTS
    table = quickstart_table.table(tmp_path, is_simulated=True, name="simulated")
    starts = [line.split()[0] for line in table.splitlines() if line.strip()]
    assert [name for name in starts if name.endswith("_purchase")] == INTENTS
