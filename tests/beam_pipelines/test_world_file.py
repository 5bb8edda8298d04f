"""Parameters of the world from a file: what it names is changed, all else stays; mistakes are one line."""

import dataclasses
import json
import pathlib

import pytest

from beam_pipelines.world_file import read_world_file, world_config
from edgedipn_tf.commands import InputError
from edgedipn_tf.simulation.config import WorldConfig

BASE = WorldConfig()


def read(tmp_path: pathlib.Path, text: str) -> WorldConfig:
    (tmp_path / "world.toml").write_text(text)
    return read_world_file(str(tmp_path / "world.toml"), BASE)


def test_values_replace_those_of_their_name(tmp_path: pathlib.Path) -> None:
    text = "[needs]\npays = 1\nconvinced = [0, 0.1, 0.2, 0.3, 0.4]\n[traits]\nphones = [[100, 200]]\n"
    expected = dataclasses.replace(
        BASE,
        needs=dataclasses.replace(BASE.needs, pays=1.0, convinced=(0.0, 0.1, 0.2, 0.3, 0.4)),
        traits=dataclasses.replace(BASE.traits, phones=((100, 200),)),
    )
    assert read(tmp_path, text) == expected


def test_json_of_a_configuration_is_that_configuration() -> None:
    values = json.loads(json.dumps(dataclasses.asdict(BASE)))
    other = dataclasses.replace(BASE, needs=dataclasses.replace(BASE.needs, pays=0.1), pages=BASE.pages[:1])
    assert world_config(values, other, "here") == BASE


def test_pages_are_replaced_as_a_whole(tmp_path: pathlib.Path) -> None:
    page = 'name = "home"\nlinks = ["home"]\nappeal = [1, 1, 1, 1, 1]\nstay_seconds = 5\n'
    pages = read(tmp_path, f"[[pages]]\n{page}swipes_per_minute = 1\ntaps_per_minute = 2\n").pages
    assert [(page.name, page.stay_seconds, page.is_reading) for page in pages] == [("home", 5.0, False)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[need]\npays = 1", "no 'need': did you mean 'needs'?"),
        ("[needs]\npay = 1", "no 'pay' in [needs]: did you mean 'pays'?"),
        ("[needs]\npays = 2", "needs.pays = 2: expected a chance between 0 and 1"),
        ("[needs]\npays = true", "needs.pays = True: expected a number"),
        ("[needs]\npays = nan", "expected a finite number"),
        ("[shop]\nitems_per_leaf = 1.5", "shop.items_per_leaf = 1.5: expected a whole number"),
        ("[shop]\nitems_per_leaf = 0", "expected a positive number"),
        ("[needs]\nconvinced = [0.1]", "needs.convinced: expected 5 values, got 1"),
        ("[needs]\nconvinced = 0.1", "needs.convinced: expected a list"),
        ("[volumes]\nswipes = -1", "volumes.swipes = -1: expected no negative number"),
        ("needs = 3", "needs: expected a table"),
        ('[[pages]]\nname = "home"', "pages[0]: links is missing"),
        ("[needs", "not TOML"),
    ],
)
def test_mistakes_are_one_line(tmp_path: pathlib.Path, text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, text)
    assert message in str(error.value) and "world.toml" in str(error.value) and "\n" not in str(error.value)


def test_logits_may_be_negative(tmp_path: pathlib.Path) -> None:
    assert read(tmp_path, "[days]\nbase = -3").days.base == -3.0
