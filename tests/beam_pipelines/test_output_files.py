"""The folder that a job writes: whole files whatever attempts do, on a disk and in a store without rename."""

import json
import pathlib
from collections.abc import Iterator

import pytest

from beam_pipelines import discretize_events, output_files
from edgedipn_tf.commands import InputError
from tests.beam_pipelines import object_store
from tests.beam_pipelines.test_discretize_events import FLAGS, browse_rows, hashes, write_browse


@pytest.fixture(autouse=True)
def empty_store() -> Iterator[None]:
    object_store.OBJECTS.clear()
    object_store.DONE.clear()
    yield
    object_store.OBJECTS.clear()


def put(folder: pathlib.Path, url: str) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            object_store.OBJECTS[f"{url}/{path.relative_to(folder).as_posix()}"] = path.read_bytes()


def test_two_attempts_at_a_file_leave_one_whole_file(tmp_path: pathlib.Path) -> None:
    with output_files.publish(str(tmp_path / "out"), False) as folder:
        with folder.whole_file("shard") as slow:
            slow.write(b"con")
            with folder.whole_file("shard") as quick:
                quick.write(b"content")
            assert folder.read("shard") == b"content"
            slow.write(b"tent")
            slow.flush()
            assert folder.read("shard") == b"content"
        with pytest.raises(ValueError), folder.whole_file("shard") as failing:
            failing.write(b"c")
            raise ValueError
        assert folder.read("shard") == b"content"
        with folder.whole_file("below/part") as file:
            file.write(b"x")
        assert folder.names("sha") == ["shard"]
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == ["below", "part", "shard"]


def test_what_a_killed_attempt_left_is_not_published_and_a_late_one_cannot_write(tmp_path: pathlib.Path) -> None:
    with output_files.publish(str(tmp_path / "out"), False) as folder:
        killed = folder.whole_file("shard")
        killed.__enter__().write(b"half")  # it never ends
    assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(FileNotFoundError), folder.whole_file("shard") as late:
        late.write(b"content")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_job_from_a_store_to_a_store_gives_the_same_files(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [*browse_rows(), {**browse_rows()[1], "action": "steal"}]
    logs = write_browse(tmp_path / "logs", rows)
    (logs / "log.json").write_text(json.dumps({"name": "toy", "is_simulated": True, "caveats": ["made by hand"]}))
    put(logs, "mem://bucket/logs")
    object_store.OBJECTS["mem://bucket/logs/browse/_SUCCESS.jsonl"] = b"hidden"
    flags = (*FLAGS, "--max_bad_fraction=0.1")
    assert discretize_events.run([f"--logs={logs}", f"--output={tmp_path / 'local'}", *flags]) == 0
    local = tmp_path / "local"
    arguments = ["--logs=mem://bucket/logs", "--output=mem://bucket/data", *flags]
    assert discretize_events.run(arguments) == 0
    made = {u.removeprefix("mem://bucket/data/"): c for u, c in object_store.OBJECTS.items() if "/data/" in u}
    assert set(made) == set(hashes(local))
    rejects = {name for name in made if name.startswith("rejects/browse-")}  # they name the log's files
    assert len(rejects) == 1
    for name in set(made) - {"dataset.json"} - rejects:
        assert made[name] == (local / name).read_bytes(), name
    expected = json.loads((local / "dataset.json").read_text())
    assert expected["log"]["caveats"] == ["made by hand"]
    expected["flags"]["logs"] = "mem://bucket/logs"
    assert json.loads(made["dataset.json"]) == expected
    assert object_store.DONE[-1] == ("create", "mem://bucket/data/dataset.json")

    # A second run names what is in its way; with --overwrite the description goes first and comes last.
    capsys.readouterr()
    assert discretize_events.run(arguments) == 2
    assert "mem://bucket/data holds files" in capsys.readouterr().err
    object_store.DONE.clear()
    assert discretize_events.run([*arguments, "--overwrite"]) == 0
    assert object_store.DONE[0] == ("delete", "mem://bucket/data/dataset.json")
    assert object_store.DONE[-1] == ("create", "mem://bucket/data/dataset.json")


def test_a_damaged_description_of_a_log_in_a_store_is_one_line(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(write_browse(tmp_path / "logs", browse_rows()), "mem://bucket/logs")
    object_store.OBJECTS["mem://bucket/logs/log.json"] = b"{"
    arguments = ["--logs=mem://bucket/logs/", f"--output={tmp_path / 'out'}", *FLAGS]
    assert discretize_events.run(arguments) == 2
    error = capsys.readouterr().err
    assert "mem://bucket/logs/log.json (description of a log) is not JSON" in error
    assert error.count("\n") == 1


def test_a_failed_job_leaves_no_description_in_a_store(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(write_browse(tmp_path / "logs", browse_rows(num_users=1)), "mem://bucket/logs")
    object_store.OBJECTS["mem://bucket/logs/browse/_SUCCESS"] = b""
    arguments = ["--browse=mem://bucket/logs/browse/*", "--output=mem://bucket/data", *FLAGS]
    assert discretize_events.run(arguments) == 2
    assert "one user only" in capsys.readouterr().err
    assert "mem://bucket/data/dataset.json" not in object_store.OBJECTS


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("mem://bucket/nothing", "nothing matches 'mem://bucket/nothing'"),
        ("mem://bucket/notes.txt", "mem://bucket/notes.txt has an unknown ending"),
        ("gopher://bucket/x.csv", "gopher://bucket/x.csv: no file system for gopher:// is installed"),
    ],
)
def test_a_place_in_a_store_that_holds_no_log_is_one_line(
    pattern: str, message: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    object_store.OBJECTS["mem://bucket/notes.txt"] = b""
    assert discretize_events.run([f"--browse={pattern}", f"--output={tmp_path / 'out'}", *FLAGS]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_an_object_that_is_gone_is_an_input_error() -> None:
    folder = output_files.RemoteFolder("mem://bucket/data")
    with pytest.raises(InputError, match="mem://bucket/data/x: no such object: check the place"):
        folder.read("x")


def test_what_a_template_wrote_is_published_by_describing_it(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(write_browse(tmp_path / "logs", browse_rows()), "mem://bucket/logs")
    arguments = ["--logs=mem://bucket/logs", "--output=mem://bucket/data", *FLAGS]
    # FnApiRunner knows no templates: it runs the job, as Dataflow does later, and the command does not wait for it.
    assert discretize_events.run([*arguments, "--template_location=mem://bucket/template"]) == 0
    assert "add --describe_only" in capsys.readouterr().out
    assert "mem://bucket/data/dataset.json" not in object_store.OBJECTS
    assert discretize_events.run([*arguments, "--describe_only"]) == 0
    made = json.loads(object_store.OBJECTS.pop("mem://bucket/data/dataset.json"))
    assert discretize_events.run([*arguments, "--overwrite"]) == 0
    assert json.loads(object_store.OBJECTS["mem://bucket/data/dataset.json"]) == made

    for output, message in (("mem://bucket/data", "is published already"), (str(tmp_path), "writes to a disk")):
        assert discretize_events.run([*arguments, "--describe_only", f"--output={output}"]) == 2
        assert message in capsys.readouterr().err
    assert discretize_events.run([*arguments, "--template_location=x", f"--output={tmp_path / 'd'}"]) == 2
    assert "a template writes to a store" in capsys.readouterr().err
