"""The RetailRocket importer on rows made by hand in the published form; above all: no category of the future."""

import datetime
import gzip
import pathlib
import random
from collections.abc import Sequence

import numpy as np
import pytest

from beam_pipelines.import_logs import retailrocket
from edgedipn_tf.schema import INTENTS
from tests.beam_pipelines.imported_logs import describe, discretize, judged_intents, read_input, run_import

EVENTS = b"timestamp,visitorid,event,itemid,transactionid\n"
PROPERTIES = b"timestamp,itemid,property,value\n"
TREE = b"categoryid,parentid\n"
T = 1_435_460_400_000  # 2015-06-28T00:00-03:00


def write(folder: pathlib.Path, events: bytes, properties: Sequence[bytes], tree: bytes) -> pathlib.Path:
    folder.mkdir()
    (folder / "events.csv").write_bytes(EVENTS + events)
    for number, rows in enumerate(properties, 1):
        (folder / f"item_properties_part{number}.csv.gz").write_bytes(gzip.compress(PROPERTIES + rows))
    (folder / "category_tree.csv").write_bytes(TREE + tree)
    return folder


def test_events_get_the_category_that_was_known(tmp_path: pathlib.Path) -> None:
    events = [(T - 1, "view"), (T, "view"), (T + 9, "addtocart"), (T + 10, "transaction"), (T + 11, "view")]
    lines = [f"{t},7,{event},100,{'5' if event == 'transaction' else ''}" for t, event in events]
    lines.append(f"{T + 50},8,view,101,")  # an item without a category
    lines.append(f"{T + 50},8,view,102,")  # one whose category is not in the tree
    later = f"{T + 10},100,categoryid,22\n{T},100,790,n11.000 22\n{T},102,categoryid,99\n".encode()
    earlier = f"{T},100,categoryid,11\n{T},100,available,1\n".encode()
    folder = write(tmp_path / "in", "\n".join(lines).encode(), [later, earlier], b"11,1\n1,\n22,3\n3,2\n2,\n")
    assert run_import("retailrocket", folder, tmp_path / "log") == 0
    found = [
        (r["user_id"], r["timestamp_ms"] - T, r["action"], r["item_id"], r["leaf_category"], r["top_category"])
        for r in read_input(tmp_path / "log")
    ]
    assert found == [
        ("7", -1, "browse", "100", None, None),
        ("7", 0, "browse", "100", "11", "1"),
        ("7", 9, "cart", "100", "11", "1"),
        ("7", 10, "purchase", "100", "22", "2"),
        ("7", 11, "browse", "100", "22", "2"),
        ("8", 50, "browse", "101", None, None),
        ("8", 50, "browse", "102", "99", None),
    ]
    assert describe(tmp_path / "log")["counts"] == {
        "categories_read": 5, "categories_malformed": 0, "properties_read": 5, "properties_malformed": 0,
        "events_read": 7, "events_malformed": 0, "events_without_category": 2, "browse_rows": 7,
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_categories_by_time_as_a_plain_search_finds_them(seed: int) -> None:
    draw = random.Random(seed)
    known = [(draw.randrange(6), draw.randrange(10), draw.randrange(100)) for _ in range(draw.randrange(20))]
    asked = [(draw.randrange(-1, 8), draw.randrange(-1, 12)) for _ in range(50)]

    def plain(item: int, time: int) -> int:
        of_item = [row for row in known if row[0] == item and row[1] <= time]
        newest = max((row[1] for row in of_item), default=None)
        return [row[2] for row in of_item if row[1] == newest][-1] if of_item else -1

    columns = [np.array([row[k] for row in known], dtype=np.int64) for k in range(3)]
    found = retailrocket.ItemCategories.of(*columns).at(*(np.array([q[k] for q in asked]) for k in range(2)))
    assert found.tolist() == [plain(*question) for question in asked]


def test_roots_of_a_tree_with_a_circle_and_a_gap() -> None:
    parents = {1: None, 2: 1, 3: 2, 4: 5, 5: 4, 6: 6, 7: 70}
    assert [retailrocket.root_of(c, parents) for c in (1, 2, 3, 4, 6, 7, 8)] == [1, 1, 1, None, None, None, None]


BAD_EVENTS = (
    EVENTS.rstrip(),
    f"{T},7,view,100".encode(),
    f"{T},7,view,100,,".encode(),
    f"{T}.5,7,view,100,".encode(),
    b"2015-06-28,7,view,100,",
    f"{T},7,click,100,".encode(),
    f"{T},7,,100,".encode(),
    f"{T},,view,100,".encode(),
    f"{T},7,view,,".encode(),
    f"{T},7,view,-1,".encode(),
    f"{T},7,view,9999999999999999999,".encode(),
    f"{T},7,transaction,100,x".encode(),
    b"\xff\x00",
)
BAD_PROPERTIES = (b",100,categoryid,1", b"1,100,categoryid,n5", b"1,100,colour,5", b"1,100,categoryid")


def test_malformed_rows_are_counted_and_the_others_stay(tmp_path: pathlib.Path) -> None:
    good = f"{T},7,view,100,\r\n".encode()
    properties = b"\n".join(BAD_PROPERTIES) + f"\n{T},100,categoryid,11\n".encode()
    folder = write(tmp_path / "in", b"\n".join(BAD_EVENTS) + b"\n\n" + good, [properties], b"1,2,3\nx,\n11,\n")
    assert run_import("retailrocket", folder, tmp_path / "log") == 0
    assert [(r["timestamp_ms"], r["top_category"]) for r in read_input(tmp_path / "log")] == [(T, "11")]
    counts = describe(tmp_path / "log")["counts"]
    assert counts["events_malformed"] == len(BAD_EVENTS) == counts["events_read"] - 1
    assert counts["properties_malformed"] == len(BAD_PROPERTIES) == counts["properties_read"] - 1
    assert (counts["categories_malformed"], counts["categories_read"]) == (2, 3)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("events.csv", "needs one file events.csv"),
        ("category_tree.csv", "needs one file category_tree.csv"),
        ("item_properties_part1.csv.gz", "needs the files item_properties_part1.csv and _part2.csv"),
    ],
)
def test_all_files_are_needed(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], missing: str, message: str
) -> None:
    folder = write(tmp_path / "in", f"{T},7,view,100,\n".encode(), [b""], b"11,\n")
    (folder / missing).unlink()
    assert run_import("retailrocket", folder, tmp_path / "log") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "log").exists()


def generated_events() -> bytes:
    """Four visitors on every fifth day of the log and on the last two weeks before the evaluation ends."""
    lines = []
    first = datetime.datetime(2015, 5, 3, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=-3)))
    for day in [*range(0, 115, 5), *range(115, 138)]:
        noon_ms = int((first + datetime.timedelta(days=day)).timestamp() * 1000)
        for visitor in range(4):
            if (day + visitor) % 4 == 0:
                continue
            item = (day // 3 + visitor) % 5
            event = "addtocart" if (day + visitor) % 2 else "view"
            lines.append(f"{noon_ms + visitor},{visitor},view,{item},")
            lines.append(f"{noon_ms + 60_000 + visitor},{visitor},{event},{item},")
            if (day + visitor) % 3 == 0:
                lines.append(f"{noon_ms + 120_000 + visitor},{visitor},transaction,{item},{day}")
    return "\n".join(lines).encode()


def test_the_job_runs_with_the_suggested_flags(tmp_path: pathlib.Path) -> None:
    properties = "".join(f"{T},{item},categoryid,{10 + item}\n" for item in range(5)).encode()
    tree = "".join(f"{10 + item},{item}\n{item},\n" for item in range(5)).encode()
    folder = write(tmp_path / "in", generated_events(), [properties], tree)
    assert run_import("retailrocket", folder, tmp_path / "log") == 0
    counters = discretize(tmp_path / "log")
    assert counters["inputs"]["browse"]["rejected"] == {}
    assert describe(tmp_path / "log")["intents_not_applicable"] == []
    assert judged_intents(counters) == {intent.name for intent in INTENTS}
