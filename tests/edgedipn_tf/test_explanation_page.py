"""The page of explanations: readable names, nothing from outside, nothing that a name could break."""

import dataclasses
import html.parser

import numpy as np
import pytest

from edgedipn_tf.explanation_page import MAX_ACTIONS, format_page
from edgedipn_tf.schema import edgedipn_schema
from edgedipn_tf.vocabulary import Vocabulary

SCHEMA = edgedipn_schema()
VOCABULARY = Vocabulary({key: () for key in SCHEMA.vocabulary_features()} | {"tap_button": ("<b>buy</b>", "basket")})


@dataclasses.dataclass
class Sample:
    position: int = 7
    user_id: str = "<script>x</script>"
    t0_ms: int = 1_614_600_000_000
    candidate_names: tuple = (("shoes & socks", "clothes"), ("", ""))
    probabilities: dict = dataclasses.field(
        default_factory=lambda: {"retention": np.array([0.25]), "realtime_top_category": np.array([0.125, 0.5])}
    )
    labels: dict = dataclasses.field(
        default_factory=lambda: {"retention": np.array([1.0]), "realtime_top_category": np.array([0.0, np.nan])}
    )
    # Event button, button with id 2 or 3, gap n/a, elapsed bin 4.
    action_ids: dict = dataclasses.field(
        default_factory=lambda: {"tap": np.array([[3, 1, 2, 6]] * 30 + [[3, 1, 3, 6]])}
    )
    action_weights: dict = dataclasses.field(default_factory=lambda: {"tap": np.array([*[0.02] * 30, 0.4])})
    sources: tuple = ("tap", "history")
    source_weights: dict = dataclasses.field(default_factory=lambda: {"retention": np.array([0.75, 0.25])})
    gate: dict = dataclasses.field(default_factory=lambda: {"retention": np.zeros(0)})


class Reader(html.parser.HTMLParser):
    """Collects tags, attributes and the text of cells; fails on tags that are not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "td" in self.open:
            self.cells[-1] += data


@pytest.fixture(scope="module")
def page() -> str:
    return format_page("What <it> sees", SCHEMA, VOCABULARY, [Sample()])


@pytest.fixture(scope="module")
def reader(page) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


def test_probabilities_stand_beside_what_happened(reader):
    assert reader.cells[:6] == [
        "retention", "0.2500 (yes)", "shoes & socks in clothes", "0.1250 (no)", "unfilled", "0.5000 (unknown)"
    ]  # fmt: skip


def test_actions_have_the_names_of_their_ids_newest_first_and_the_most_attended_only(page, reader):
    names = [feature.name for feature in SCHEMA.view("tap").features]
    assert names == ["event", "page", "button", "elapsed_time"]
    first = reader.cells.index("basket")
    assert reader.cells[first - 4 : first + 2] == ["1", "0.400", "button", "n/a", "basket", "bin 4"]
    assert reader.cells.count("<b>buy</b>") == MAX_ACTIONS - 1
    assert "31 actions, the 20 most attended" in page


def test_names_are_text_and_nothing_comes_from_outside(page, reader):
    assert not reader.tags & {"script", "b", "link", "img", "iframe"}
    assert not [name for name, _ in reader.attributes if name in ("src", "href") or name.startswith("on")]
    assert "http" not in page and "@import" not in page


def test_model_without_a_gate_has_no_table_of_it(page):
    assert "Sources by intent" in page and "Fusion gate" not in page


def test_view_without_actions_is_said_to_have_none():
    empty = Sample(action_ids={"tap": np.zeros((0, 4), int)}, action_weights={"tap": np.zeros(0)})
    assert "View tap: 0 actions" in format_page("t", SCHEMA, VOCABULARY, [empty])
