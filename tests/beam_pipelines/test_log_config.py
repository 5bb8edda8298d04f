"""The config of names: a log in its own words gives the dataset of the same log in ours; mistakes are one line."""

import json
import pathlib

import pytest

from beam_pipelines import discretize_events, log_config
from beam_pipelines.inputs import INPUTS
from beam_pipelines.reading import find_pieces, read_batches
from beam_pipelines.validation import validate
from edgedipn_tf.commands import InputError

CONFIG = """
[browse.columns]
user_id = "uid"
timestamp_ms = "event.time"

[browse.actions]
add_cart = "cart"
1 = "browse"
"order paid" = "purchase"
"""


def test_columns_and_actions_by_their_own_names(tmp_path: pathlib.Path) -> None:
    (tmp_path / "names.toml").write_text(CONFIG)
    inputs = log_config.apply_config(log_config.read_config(str(tmp_path / "names.toml")), INPUTS, "names.toml")
    assert inputs["swipe"] == INPUTS["swipe"]
    actions = ["add_cart", 1, "order paid", "search", "cart", "ADD_CART", "purchase"]
    records = [{"uid": "u", "event.time": 1_500_000_000_000 + i, "action": a} for i, a in enumerate(actions)]
    (tmp_path / "a.json").write_text("\n".join(map(json.dumps, records)))
    (piece,) = find_pieces(inputs["browse"], [str(tmp_path / "a.json")])
    (raw,) = read_batches(piece, inputs["browse"])
    batch, rejects = validate(raw, inputs["browse"], 0, 4_000_000_000_000)
    names = [INPUTS["browse"].actions[index] for index in batch.action]
    assert names == ["cart", "browse", "purchase", "search", "cart", "purchase"]
    assert batch.timestamp_ms[0] == 1_500_000_000_000
    assert [(r.record_number, r.reason) for r in rejects] == [(5, "unknown_action")]


def test_the_config_goes_before_our_own_spellings() -> None:
    inputs = log_config.apply_config({"tap": {"actions": {"page": "button", "2001": "button"}}}, INPUTS, "x")
    known = {**{name: name for name in inputs["tap"].actions}, **dict(inputs["tap"].aliases)}
    assert known == {"page": "button", "2001": "button", "button": "button", "2101": "button"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[brows.columns]\nuser_id = 'uid'", "no input 'brows': did you mean 'browse'? inputs are swipe, tap,"),
        ("[browse.colums]\nuser_id = 'uid'", "no section [browse.colums]: did you mean 'columns'? sections are"),
        (
            "[browse.columns]\nuserid = 'uid'",
            "has no column 'userid' to rename: did you mean 'user_id'? it has user_id",
        ),
        ("[browse.columns]\nuid = 'user_id'", '(written our column = "their column")'),
        ("[browse.columns]\nuser_id = ''", "the new name of column 'user_id' is empty"),
        ("[browse.columns]\nuser_id = 7", "[browse.columns] user_id: expected text in quotes"),
        ("[browse.actions]\nadd_cart = 'carts'", "has no action 'carts': did you mean 'cart'? it has browse, search"),
        ("[browse.actions]\ncart = 'add_cart'", '(written their action = "our action")'),
        ("[browse.actions]\n'' = 'cart'", "a spelling of action 'cart' is empty"),
        ("[profile.actions]\nx = 'cart'", "input profile has no action 'cart': it has none"),
        ("browse = 3", "browse: expected a section such as [browse.columns]"),
        ("[browse]\ncolumns = 'uid'", "browse.columns: expected a section"),
        ("[browse.actions]\nadd cart = 'cart'", "not TOML: "),
        ("[browse.actions]\na = 'cart'\na = 'cart'", "not TOML: "),
        ("[browse.columns]\nuser_id = '\udcff'", "not UTF-8 text"),
    ],
)
def test_mistakes_are_one_line(text: str, message: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "names.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError) as caught:
        log_config.apply_config(log_config.read_config(str(path)), INPUTS, str(path))
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"--log_config={path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="No such file or directory: check the path"):
        log_config.read_config(str(tmp_path / "none.toml"))


def test_the_dataset_is_that_of_the_log_in_our_words(tmp_path: pathlib.Path) -> None:
    rows = [
        {"user_id": f"u{user}", "timestamp_ms": 1_772_323_200_000 + hour * 3_600_000, "action": action}
        for user in range(3)
        for hour in range(0, 96, 5)
        for action in ("browse", "cart", "purchase")
    ]
    theirs = [
        {"uid": row["user_id"], "event.time": row["timestamp_ms"], "action": row["action"].replace("cart", "add_cart")}  # type: ignore[attr-defined]
        for row in rows
    ]
    (tmp_path / "ours.json").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "theirs.json").write_text("\n".join(map(json.dumps, theirs)))
    (tmp_path / "names.toml").write_text(CONFIG)
    flags = ("--evaluation_date=2026-03-03", "--samples_per_user_day=3", "--min_count=1", "--num_shards=1")
    ours = [f"--browse={tmp_path / 'ours.json'}", f"--output={tmp_path / 'a'}", *flags]
    assert discretize_events.run(ours) == 0
    named = [f"--browse={tmp_path / 'theirs.json'}", f"--log_config={tmp_path / 'names.toml'}"]
    assert discretize_events.run([*named, f"--output={tmp_path / 'b'}", *flags]) == 0
    for name in ("train.tfrecord-00000-of-00001", "eval.tfrecord-00000-of-00001", "counters.json", "vocabulary.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    description = json.loads((tmp_path / "b" / "dataset.json").read_text())
    assert description["flags"]["log_config"]["browse"]["actions"]["add_cart"] == "cart"
