"""What a sample is made of: views, features, intents. Frozen values; every size is derived from them.

The schema is written beside every artefact and identified by its fingerprint, so that a stage refuses an
artefact of another one. Legend of shapes: `B` batch, `T` time steps, `F` features of an action,
`K` candidate categories, `I` intents.

Source: DIPN (KDD 2019) Table 3 for the features, EdgeDIPN (VLDB 2021) Table 1 for the intents and section 3.1
for the elapsed time.
"""

import dataclasses
import enum
import hashlib
import json
from collections.abc import Mapping
from typing import Any

PAD_ID = 0
"""Id of a padded step."""
NOT_APPLICABLE_ID = 1
"""Id of a value that is null, does not apply to the action, or is out of vocabulary."""
FIRST_REAL_ID = 2
"""Id of the first real value: bin b of a feature has id b + 2."""
VIEW_ORDER = "view_order"
"""Name of the input that tells of the newest actions of all views, in order, which view each is of (early fusion)."""


class Kind(enum.StrEnum):
    """Where the bins of a feature come from."""

    FIXED = "fixed"  # a list of names written in this file
    NUMERIC = "numeric"  # a formula of `discretize`
    VOCABULARY = "vocabulary"  # names counted on the training days


class Window(enum.StrEnum):
    """Time range after the cut-off t0 in which an intent is realised."""

    HOUR = "hour"  # (t0, t0 + 1 h]
    DAY = "day"  # (t0, t0 + 24 h]
    LOCAL_DAY = "local_day"  # (t0, last ms of t0's local day]
    NEXT_LOCAL_DAY = "next_local_day"  # the local day after t0's, midnight to midnight
    WEEK = "week"  # (t0, t0 + 7 x 24 h]


class Level(enum.StrEnum):
    """What of a candidate category an intent is about; NONE for intents without candidate."""

    NONE = "none"
    TOP = "top_category"
    LEAF = "leaf_category"


@dataclasses.dataclass(frozen=True)
class Feature:
    """One discretized field of an action, of the history or of the profile.

    Attributes:
        name: name within its view, e.g. `time_gap`.
        bins: number of real bins, the paper's dictionary dimension. Ids run from 0 to bins + 1.
        kind: where the bins come from.
        names: the names of a FIXED feature, in the order of their bins.
        width: embedding width.
        only_for: name of the one action of the view that the feature belongs to; at others it is not applicable.
            Empty: it may apply to every action.
    """

    name: str
    bins: int
    kind: Kind
    names: tuple[str, ...] = ()
    width: int = 10
    only_for: str = ""

    @property
    def table_size(self) -> int:
        """Rows of the embedding table: the bins, padding and not-applicable."""
        return self.bins + FIRST_REAL_ID


@dataclasses.dataclass(frozen=True)
class View:
    """One source of a user's actions, with its own sequence. The first feature says what kind of action it is."""

    name: str
    features: tuple[Feature, ...]

    @property
    def action(self) -> Feature:
        """The feature that says what kind of action it is."""
        return self.features[0]

    def action_id(self, name: str) -> int:
        """Returns the id of a kind of action."""
        return self.action.names.index(name) + FIRST_REAL_ID

    def index(self, feature: str) -> int:
        """Returns the position of a feature in the last axis of the view's tensor (B, T, F)."""
        return [f.name for f in self.features].index(feature)

    def feature(self, name: str) -> Feature:
        """Returns a feature of the view by name."""
        return self.features[self.index(name)]


@dataclasses.dataclass(frozen=True)
class Intent:
    """One thing to predict: whether `action` happens within `window` (in the candidate's category, if any).

    Attributes:
        name: name of the intent, of its task and of the model's output.
        metric: name of its AUC in EdgeDIPN Table 1.
        action: the browse action that realises it, or `any` for any action of any view.
        window: when it has to happen.
        level: which name of a candidate pair it is about.
    """

    name: str
    metric: str
    action: str
    window: Window
    level: Level = Level.NONE


@dataclasses.dataclass(frozen=True)
class Schema:
    """Everything a stage has to know of the data.

    Attributes:
        name: name of the schema.
        views: the sequences, in the order swipe, tap, browse.
        history: counts of the user's past, 18 features (3 actions x 6 ranges of days).
        profile: features of the user.
        intents: what is predicted: one of `LABEL_PRESETS`.
        max_length: most actions of a view that an input holds.
        num_candidates: K, candidate categories of a sample.
        timezone: name of the time zone of "local day" and "hour".
        timezone_version: version of the time zone database that was used.
    """

    name: str
    views: tuple[View, ...]
    history: tuple[Feature, ...]
    profile: tuple[Feature, ...]
    intents: tuple[Intent, ...]
    max_length: int
    num_candidates: int
    timezone: str
    timezone_version: str

    def view(self, name: str) -> View:
        """Returns a view by name."""
        return next(v for v in self.views if v.name == name)

    def num_places(self, intent: Intent) -> int:
        """Returns the labels of one sample for an intent: K for category intents, else 1."""
        return 1 if intent.level is Level.NONE else self.num_candidates

    def vocabulary_features(self) -> dict[str, Feature]:
        """Returns the features that a vocabulary serves, by key (`view_feature`, `profile_feature`)."""
        keyed = {feature_key(v.name, f): f for v in self.views for f in v.features}
        keyed.update({feature_key("profile", f): f for f in self.profile})
        return {key: f for key, f in keyed.items() if f.kind is Kind.VOCABULARY}

    @property
    def fingerprint(self) -> str:
        """Identity of the schema: the first 16 hexadecimal digits of the SHA-256 of its canonical JSON."""
        return hashlib.sha256(canonical_json(self.to_json())).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """Returns the schema as plain values."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "Schema":
        """Builds a schema from `to_json` values.

        Raises:
            KeyError, TypeError, ValueError: when the values are not those of a schema.
        """
        plain = dict(values)
        plain["views"] = tuple(View(v["name"], _features(v["features"])) for v in plain["views"])
        plain["history"] = _features(plain["history"])
        plain["profile"] = _features(plain["profile"])
        plain["intents"] = tuple(
            Intent(**{**i, "window": Window(i["window"]), "level": Level(i["level"])}) for i in plain["intents"]
        )
        return Schema(**plain)


def canonical_json(values: Any) -> bytes:
    """Returns JSON with sorted keys and without spaces: equal values give equal bytes."""
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode()


def feature_key(view: str, feature: Feature) -> str:
    """Returns the key of a feature's vocabulary, embedding table and record column. Spelled only here."""
    return f"{view}_{feature.name}"


def _features(values: Any) -> tuple[Feature, ...]:
    return tuple(Feature(**{**f, "kind": Kind(f["kind"]), "names": tuple(f["names"])}) for f in values)


def _numeric(name: str, bins: int, only_for: str = "") -> Feature:
    return Feature(name, bins, Kind.NUMERIC, only_for=only_for)


def _vocabulary(name: str, bins: int, only_for: str = "") -> Feature:
    return Feature(name, bins, Kind.VOCABULARY, only_for=only_for)


def _fixed(name: str, *names: str, only_for: str = "") -> Feature:
    return Feature(name, len(names), Kind.FIXED, names, only_for=only_for)


ELAPSED_TIME = _numeric("elapsed_time", 25)

SWIPE_VIEW = View(
    "swipe",
    (
        _fixed("action", "open_page", "leave_page", "swipe", "tap"),
        _vocabulary("page", 224),
        _numeric("time_gap", 20),
        _numeric("duration", 20, only_for="swipe"),
        _numeric("tap_x", 17, only_for="tap"),
        _numeric("tap_y", 25, only_for="tap"),
        _numeric("start_x", 17, only_for="swipe"),
        _numeric("start_y", 25, only_for="swipe"),
        _numeric("end_x", 17, only_for="swipe"),
        _numeric("end_y", 25, only_for="swipe"),
        _numeric("length_x", 34, only_for="swipe"),
        _numeric("length_y", 50, only_for="swipe"),
        _fixed("horizontal_direction", "right", "left", only_for="swipe"),
        _fixed("vertical_direction", "up", "down", only_for="swipe"),
        ELAPSED_TIME,
    ),
)
TAP_VIEW = View(
    "tap",
    (
        _fixed("event", "page", "button"),
        _vocabulary("page", 200),
        _vocabulary("button", 500, only_for="button"),
        ELAPSED_TIME,
    ),
)
BROWSE_VIEW = View(
    "browse",
    (
        _fixed("action", "browse", "search", "collect", "cart", "purchase"),
        _vocabulary("leaf_category", 19011),
        _vocabulary("top_category", 102),
        _vocabulary("page", 181),
        _numeric("page_stay", 179),
        _numeric("hour", 24),
        ELAPSED_TIME,
    ),
)
HISTORY_DAYS = (7, 14, 30, 90, 180, 365)
"""Ranges of the history counts, in local days before the local day of t0."""
HISTORY_ACTIONS = ("collect", "cart", "purchase")
HISTORY_BINS = (20, 30, 40, 60, 80, 100)
HISTORY = tuple(
    _numeric(f"{action}_{days}_days", bins)
    for action in HISTORY_ACTIONS
    for days, bins in zip(HISTORY_DAYS, HISTORY_BINS, strict=True)
)
PROFILE = (
    _vocabulary("age_level", 9),
    _vocabulary("gender", 3),
    _vocabulary("buyer_star", 17),
    _vocabulary("tm_level", 6),
    _vocabulary("vip_level", 8),
    _vocabulary("phone_price", 11),
)
INTENTS = (
    Intent("realtime_purchase", "RPAUC", "purchase", Window.HOUR),
    Intent("longtime_purchase", "LPAUC", "purchase", Window.LOCAL_DAY),
    Intent("realtime_cart", "RCAUC", "cart", Window.HOUR),
    Intent("retention", "RAUC", "any", Window.NEXT_LOCAL_DAY),
    Intent("realtime_top_category", "RTCAUC", "purchase", Window.HOUR, Level.TOP),
    Intent("longtime_top_category", "LTCAUC", "purchase", Window.WEEK, Level.TOP),
    Intent("realtime_leaf_category", "RLCAUC", "purchase", Window.HOUR, Level.LEAF),
    Intent("longtime_leaf_category", "LLCAUC", "purchase", Window.WEEK, Level.LEAF),
)
"""The intents of EdgeDIPN, in the order of its Table 1."""
EDGEDIPN_LABELS = "edgedipn"
LABEL_PRESETS = {
    EDGEDIPN_LABELS: INTENTS,
    "dipn": (INTENTS[0], Intent("longtime_purchase", "LPAUC", "purchase", Window.DAY)),
}
"""Intents by the name of what labels them: DIPN (KDD 2019) has two tasks, a purchase within 1 h and within 24 h."""


MAX_LENGTH = 256
"""Most actions of a view that an input holds, unless a dataset says otherwise."""


def edgedipn_schema(
    timezone: str = "UTC", timezone_version: str = "", labels: str = EDGEDIPN_LABELS, max_length: int = MAX_LENGTH
) -> Schema:
    """Returns the schema of EdgeDIPN: 3 views, 18 history counts, 6 profile features, 8 intents.

    Args:
        timezone: name of the time zone of "local day" and "hour".
        timezone_version: version of the time zone database.
        labels: name of other intents, of `LABEL_PRESETS`.
        max_length: most actions of a view that an input holds.
    """
    return Schema(
        name="edgedipn" if labels == EDGEDIPN_LABELS else f"edgedipn_with_{labels}_labels",
        views=(SWIPE_VIEW, TAP_VIEW, BROWSE_VIEW),
        history=HISTORY,
        profile=PROFILE,
        intents=LABEL_PRESETS[labels],
        max_length=max_length,
        num_candidates=8,
        timezone=timezone,
        timezone_version=timezone_version,
    )
