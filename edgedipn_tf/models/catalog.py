"""The names of the models, each a configuration of a family: no TensorFlow here, so that `--help` is quick.

A new variant is a new entry; nothing else may know its name.
"""

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from edgedipn_tf.commands import InputError
from edgedipn_tf.schema import Intent, Level, Schema


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variant:
    """What makes a variant.

    Attributes:
        description: what the variant is, in one line.
        family: the model it is a configuration of, a name of `variants.FAMILIES` or of `baselines`' `CLASSIFIERS`.
        arguments: arguments of that model's class.
        intents: names of the intents that it can predict; None for all of the schema.
        settings: names of the settings of `TrainingConfig` that do something; None for all.
    """

    description: str
    family: str
    arguments: Mapping[str, Any]
    intents: tuple[str, ...] | None = None
    settings: tuple[str, ...] | None = None

    @property
    def is_baseline(self) -> bool:
        """Whether it is made of classifiers of aggregates (`baselines`) and not a network."""
        return self.family in BASELINES

    @property
    def needs_view_order(self) -> bool:
        """Whether the order of the actions across views is an input."""
        return self.arguments.get("fusion") == "early"

    def predicts(self, intent: Intent) -> bool:
        """Returns whether the variant can predict an intent."""
        if self.intents is not None:
            return intent.name in self.intents
        return intent.level is Level.NONE or "browse" in self.arguments.get("views", VIEWS)

    @property
    def takes_any_length(self) -> bool:
        """Whether padding can be cut off: no weight and no order belongs to a step; a baseline counts what is there."""
        return self.arguments.get("readout") != "flatten" and not self.needs_view_order

    def takes(self, setting: str) -> bool:
        """Returns whether a setting does something."""
        return self.settings is None or setting in self.settings


BASELINES = ("gbdt", "logistic_regression")
"""Families that are not networks."""
VIEWS = ("swipe", "tap", "browse")
SOURCES = (*VIEWS, "history", "profile")
"""What a model may look at: the five sources of DIPN's Table 6."""
DIPN_TASKS = ("realtime_purchase", "longtime_purchase")
"""The two tasks of DIPN, within one hour and one day; the day is that of the dataset's schema."""


def _edgedipn(description: str, family: str = "edgedipn", **changes: Any) -> Variant:
    complete = {"views": VIEWS, "encoder": "attention", "has_inter_view": True, "task_attention": "full"}
    return Variant(description=description, family=family, arguments={**complete, **changes})


def _dipn(description: str, intents: tuple[str, ...] = DIPN_TASKS, **changes: Any) -> Variant:
    complete = {
        "sources": SOURCES,
        "has_intra_view": True,
        "has_inter_view": True,
        "readout": "flatten",
        "fusion": "late",
    }
    return Variant(description=description, family="dipn", arguments={**complete, **changes}, intents=intents)


def _baseline(description: str, family: str, views: Sequence[str] = VIEWS) -> Variant:
    settings = ("data", "model", "max_length", "held_out_users", "seed")
    return Variant(description=description, family=family, arguments={"views": tuple(views)}, settings=settings)


_NO_ATTENTION_OF_TASKS: dict[str, Any] = {"has_inter_view": False, "task_attention": "none"}
VARIANTS: dict[str, Variant] = {
    # EdgeDIPN (VLDB 2021), section 5.1 and Table 3.
    "edgedipn": _edgedipn("the complete model"),
    "edgedipn_v0": _edgedipn(
        "a GRU in place of multi-level attention; no inter-view, no task attention",
        encoder="gru",
        **_NO_ATTENTION_OF_TASKS,
    ),
    "edgedipn_fastgrnn": _edgedipn(
        "v0 with FastGRNN: a third of the GRU's weights", encoder="fastgrnn", **_NO_ATTENTION_OF_TASKS
    ),
    "edgedipn_fastgrnnlr": _edgedipn("v0 with low-rank FastGRNN", encoder="fastgrnn_lowrank", **_NO_ATTENTION_OF_TASKS),
    "edgedipn_v1": _edgedipn("multi-level attention; no inter-view, no task attention", **_NO_ATTENTION_OF_TASKS),
    "edgedipn_v2": _edgedipn("v1 with inter-view attention", task_attention="none"),
    "edgedipn_v3": _edgedipn("v2 with data-level attention", task_attention="data"),
    "edgedipn_v4": _edgedipn(
        "v3 with feature-level attention from the sources as they are, fused", task_attention="parallel"
    ),
    "edgedipn_tradition": _edgedipn(
        "browse view, history and profile only: no swipe, no tap view, no pairs", views=("browse",)
    ),
    "edgedipn_single": _edgedipn(
        "one complete model an intent, nothing shared: eight times the weights and the time", family="edgedipn_single"
    ),
    "edgedipn_with_gru": _edgedipn("the complete model with a GRU (Table 3)", encoder="gru"),
    "edgedipn_with_fastgrnn": _edgedipn("the complete model with FastGRNN (Table 3)", encoder="fastgrnn"),
    "edgedipn_with_fastgrnnlr": _edgedipn(
        "the complete model with low-rank FastGRNN (Table 3)", encoder="fastgrnn_lowrank"
    ),
    "edgedipn_top64": _edgedipn(
        "the complete model, but only the 64 most attended actions of a view meet the other views (not in the paper)",
        encoder="attention_top64",
    ),
    "edgedipn_by_step": _edgedipn(
        "the complete model, but equation 3 multiplies each step by its own weight, not each channel by r_m",
        encoder="attention_by_step",
    ),
    "edgedipn_pooled": _edgedipn(
        "the complete model, but equation 4 multiplies the means of the two attended views, not their rows",
        product="pooled",
    ),
    # DIPN (KDD 2019), section 6.1 and Table 6.
    "dipn": _dipn("DIPN as printed: every step of every pair enters the branches; the two purchase intents"),
    "dipn_edge": _dipn("dipn with the mean over steps, small enough for a phone", readout="mean"),
    "dipn_rescaled": _dipn("dipn with v multiplied by the number of steps (not in the paper)", rescale_intra_view=True),
    "dipn_early_fusion": _dipn(
        "dipn with the actions of all views as one sequence, in the order of their times; not to be converted",
        has_inter_view=False,
        fusion="early",
    ),
    "dipn_no_attention": _dipn(
        "dipn without intra-view and inter-view attention", has_intra_view=False, has_inter_view=False
    ),
    "dipn_no_inter_view": _dipn("dipn without inter-view attention", has_inter_view=False),
    "dipn_no_intra_view": _dipn("dipn without intra-view attention", has_intra_view=False),
    "dipn_no_multi_task": _dipn("dipn of the purchase within the hour alone", intents=DIPN_TASKS[:1]),
    "dipn_no_multi_task_longtime": _dipn("dipn of the long-term purchase alone", intents=DIPN_TASKS[1:]),
    "rnn_dnn": _dipn(
        "a bidirectional GRU on the browse view, with history and profile; no attention",
        sources=("browse", "history", "profile"),
        has_intra_view=False,
        has_inter_view=False,
    ),
    **{
        f"dipn_without_{source}": _dipn(
            f"dipn without {source} (Table 6)", sources=tuple(s for s in SOURCES if s != source)
        )
        for source in SOURCES
    },
    **{f"dipn_only_{source}": _dipn(f"dipn with {source} alone (Table 6)", sources=(source,)) for source in SOURCES},
    # What the networks have to beat.
    "gbdt": _baseline(
        "gradient-boosted trees (LightGBM) on counts; takes --max_length, --held_out_users, --seed", "gbdt"
    ),
    "logistic_regression": _baseline(
        "logistic regression on logarithms of the same counts and settings", "logistic_regression"
    ),
    "gbdt_tradition": _baseline(
        "gbdt without touch, as the papers have it: counts of the browse view, history and profile", "gbdt", ["browse"]
    ),
    "logistic_regression_tradition": _baseline("logistic_regression without touch", "logistic_regression", ["browse"]),
}
"""Variants by name."""


def find_variant(name: str, sources: str = "") -> Variant:
    """Returns a variant by name.

    Args:
        name: a name of `VARIANTS`.
        sources: what it looks at instead of its own sources, some of `SOURCES` joined by commas; empty: its own. A
            baseline has no others.

    Raises:
        InputError: when no variant has that name (it names the nearest), or the variant cannot do with these sources.
    """
    if name not in VARIANTS:
        nearest = difflib.get_close_matches(name, VARIANTS, n=1, cutoff=0.0)[0]
        raise InputError(f"unknown model {name!r}: did you mean {nearest!r}? Models: {', '.join(VARIANTS)}")
    if not sources or not VARIANTS[name].takes("sources"):
        return VARIANTS[name]
    return _with_sources(name, sources.split(","))


def _with_sources(name: str, given: Sequence[str]) -> Variant:
    variant, flag = VARIANTS[name], f"--sources={','.join(given)}"
    for source in given:
        if source not in SOURCES:
            nearest = difflib.get_close_matches(source, SOURCES, n=1, cutoff=0.0)[0]
            raise InputError(f"{flag}: there is no source {source!r}, did you mean {nearest!r}?")
    chosen = tuple(source for source in SOURCES if source in given)
    if len(chosen) < len(given):
        raise InputError(f"{flag} names a source twice")
    if variant.family == "dipn":
        if variant.needs_view_order and not set(VIEWS) <= set(chosen):
            raise InputError(f"{flag}: {name} merges all views; only history and profile may be left out")
        return dataclasses.replace(variant, arguments={**variant.arguments, "sources": chosen})
    views = tuple(source for source in chosen if source in VIEWS)
    if not views or len(chosen) != len(views) + 2:
        raise InputError(f"{flag}: {name} takes one or more views, and always history and profile: add them")
    return dataclasses.replace(variant, arguments={**variant.arguments, "views": views})


def predicted_schema(name: str, schema: Schema, sources: str = "") -> Schema:
    """Returns the schema of what a variant takes and predicts: that of the dataset, with the variant's intents only.

    Args:
        name: a name of `VARIANTS`.
        schema: of the dataset.
        sources: as in `find_variant`; a model without the browse view has no tables to embed candidates with, and
            predicts no category intents.

    Raises:
        InputError: as `find_variant`, or when the dataset has none of the model's intents.
    """
    variant = find_variant(name, sources)
    intents = tuple(intent for intent in schema.intents if variant.predicts(intent))
    if not intents:
        known = ", ".join(intent.name for intent in schema.intents)
        can = ", ".join(variant.intents or ("no category intents without the browse view",))
        raise InputError(f"the model {name} predicts {can}, and the dataset labels {known}: choose another --model")
    return dataclasses.replace(schema, intents=intents)
