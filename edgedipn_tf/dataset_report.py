"""What a dataset's description tells, as text: labels and why they are unknown, coverage of the vocabularies."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_KNOWN = ("positive", "negative")


def label_lines(description: Mapping[str, Any], split: str) -> Iterator[str]:
    """Yields a table of a split's labels: one line an intent, a column for each state and the share of positives.

    Args:
        description: content of dataset.json.
        split: `train` or `eval`.
    """
    totals: dict[str, dict[str, int]] = {}
    for day in description["days"][split].values():
        for intent, states in day["labels"].items():
            total = totals.setdefault(intent, {})
            for state in (*_KNOWN, *(name for name in states if name not in _KNOWN)):
                total[state] = total.get(state, 0) + states[state]
    for index, (intent, states) in enumerate(totals.items()):
        if index == 0:
            yield f"  {'labels':24}" + _cells(map(_title, states)) + f"{'positive of known':>19}"
        known = sum(states[name] for name in _KNOWN)
        share = f"{100 * states['positive'] / known:.2f} %" if known else "no known label"
        yield f"  {intent:24}" + _cells(f"{count:,}" for count in states.values()) + f"{share:>19}"


def day_lines(description: Mapping[str, Any], split: str, intent: str) -> Iterator[str]:
    """Yields a table of an intent's labels in a split: one line a local day.

    Args:
        description: content of dataset.json.
        split: `train` or `eval`.
        intent: name of the intent.
    """
    yield f"{split}: {intent} by local day"
    for index, (date, day) in enumerate(description["days"][split].items()):
        states = day["labels"][intent]
        names = (*_KNOWN, *(name for name in states if name not in _KNOWN))
        if index == 0:
            yield f"  {'date':12}" + _cells(["samples", "dropped", *map(_title, names)])
        counts = (day["samples"], day["dropped_all_labels_unknown"], *(states[name] for name in names))
        yield f"  {date:12}" + _cells(f"{count:,}" for count in counts)


def coverage_lines(description: Mapping[str, Any]) -> Iterator[str]:
    """Yields a table of the vocabularies: one line a feature.

    Args:
        description: content of dataset.json.
    """
    titles = ("seen", "with an id", "of them new", "rare", "left out", "training", "evaluation")
    yield "names on training days; share of the actions (profile: of the users) with a name whose name has an id"
    yield f"  {'feature':24}" + _cells(titles)
    for key, feature in description["coverage"].items():
        names = feature["names"]
        counts = [names[name] for name in ("seen", "kept", "added", "below_min_count", "left_out")]
        shares = [_share(feature[split]) for split in ("train", "eval")]
        yield f"  {key:24}" + _cells([*(f"{count:,}" for count in counts), *shares])


def _share(actions: Mapping[str, int]) -> str:
    return f"{100 * actions['with_id'] / actions['named']:.2f} %" if actions["named"] else "n/a"


def _title(state: str) -> str:
    return state.replace("_", " ")


def _cells(texts: Iterable[str]) -> str:
    return "".join(f"{text:>15}" for text in texts)
