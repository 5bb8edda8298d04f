"""How much of a log the vocabularies cover: names by what became of them, actions whose name has an id."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from beam_pipelines.encoding import VOCABULARY_FEATURES
from beam_pipelines.options import SPLITS, DiscretizeOptions
from beam_pipelines.tracks import VIEW_NAMES, Table, UserLog
from beam_pipelines.vocabularies import PAIRS_KEY, NameState, name_counts
from edgedipn_tf.schema import FIRST_REAL_ID
from edgedipn_tf.vocabulary import Vocabulary

Counts = Counter[tuple[str, ...]]


def count_coverage(log: UserLog, options: DiscretizeOptions, vocabulary: Vocabulary, counts: Counts) -> None:
    """Counts one user's actions that have a name, and those whose name has an id.

    Args:
        log: the user's log.
        options: say which actions are of training, which of evaluation.
        vocabulary: ids of the names.
        counts: gets ("coverage", feature key, split, "named" or "with_id"); of the profile, users instead of actions.
    """
    is_active = dict.fromkeys(SPLITS, False)
    for view in VIEW_NAMES:
        times_ms = log.timestamps(view)
        rows = [options.rows_of(split, log.user_id, times_ms) for split in SPLITS]
        is_active = {split: is_active[split] or r.start < r.stop for split, r in zip(SPLITS, rows, strict=True)}
        _count_table(view, log.tables[view], rows, vocabulary, counts)
    of_profile = [slice(0, int(active)) for active in is_active.values()]
    _count_table("profile", log.tables["profile"], of_profile, vocabulary, counts)


def _count_table(view: str, table: Table, rows: list[slice], vocabulary: Vocabulary, counts: Counts) -> None:
    """Counts a table; `rows` are those of each split."""
    for feature in VOCABULARY_FEATURES[view]:
        key = f"{view}_{feature}"
        has_id = vocabulary.lookup(key, table.names[feature]) >= FIRST_REAL_ID
        for split, of_split in zip(SPLITS, rows, strict=True):
            if of_split.start < of_split.stop:
                by_name = name_counts(table, feature, of_split)
                counts["coverage", key, split, "named"] += int(by_name.sum())
                counts["coverage", key, split, "with_id"] += int(by_name[has_id].sum())


def report(
    counts: Mapping[tuple[str, ...], int], vocabulary: Vocabulary, earlier: Vocabulary | None
) -> dict[str, dict[str, Any]]:
    """Returns by feature key what became of the names of the training days, and the actions with a name and an id.

    `names` holds: `seen` on training days = `earlier_seen` (they have an id of the earlier vocabulary) + `added` (new
    ids) + `below_min_count` + `left_out` (frequent, but the table is full or may not grow); `earlier`, ids taken over;
    `kept` = `earlier` + `added`, all ids.

    Args:
        counts: of the job, by name.
        vocabulary: its ids.
        earlier: the vocabulary that it goes on with, if any.
    """
    found = {}
    for key in vocabulary.names:
        states = {state: counts.get(("names", key, state.value), 0) for state in NameState}
        num_earlier = 0 if earlier is None else earlier.size(key)
        num_added = vocabulary.size(key) - num_earlier
        found[key] = {
            "names": {
                "seen": sum(states.values()),
                "earlier_seen": states[NameState.EARLIER],
                "added": num_added,
                "below_min_count": states[NameState.RARE],
                "left_out": states[NameState.FREQUENT] - num_added,
                "earlier": num_earlier,
                "kept": vocabulary.size(key),
            },
            **{
                split: {kind: counts.get(("coverage", key, split, kind), 0) for kind in ("named", "with_id")}
                for split in SPLITS
            },
        }
    return found


def pairs_report(counts: Mapping[tuple[str, ...], int]) -> dict[str, int]:
    """Returns the distinct category pairs of the training days, and those that are popular candidates."""
    states = {state: counts.get(("names", PAIRS_KEY, state.value), 0) for state in NameState}
    return {"seen": sum(states.values()), "popular": states[NameState.FREQUENT]}
