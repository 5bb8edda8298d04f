"""The cut-offs that the oracle is asked about: samples as inspect_dataset writes them, and what is asked of each."""

import dataclasses
import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipelines.windows import label_window
from edgedipn_tf.commands import InputError
from edgedipn_tf.local_time import LocalTime
from edgedipn_tf.ranking import auc
from edgedipn_tf.schema import INTENTS, Intent, Level
from edgedipn_tf.simulation.categories import Categories
from edgedipn_tf.simulation.randomness import BoolArray, FloatArray, IntArray
from edgedipn_tf.simulation.rollouts import Question

KEY_COLUMNS = ("user_id", "t0_ms", "split", "candidate_leaf", "candidate_top")


@dataclasses.dataclass(frozen=True)
class OracleSamples:
    """Cut-offs with what is asked of them.

    Attributes:
        keys: the columns that identify the rows, `KEY_COLUMNS`.
        labels: by intent, (rows, places) of 0 and 1.
        is_known: by intent, whether the label is known.
    """

    keys: pa.Table
    labels: dict[str, IntArray]
    is_known: dict[str, BoolArray]

    @property
    def intents(self) -> list[Intent]:
        """The intents that the samples have."""
        return [intent for intent in INTENTS if intent.name in self.labels]

    def questions(self, categories: Categories, local_time: LocalTime) -> list[Question]:
        """Returns what is asked by each intent."""
        t0_ms = self.keys["t0_ms"].to_numpy()
        questions = []
        for intent in self.intents:
            window = label_window(intent.window, t0_ms, local_time)
            question = Question(intent.action, window.after_ms, window.last_ms)
            if intent.level is not Level.NONE:
                names = self.keys["candidate_leaf" if intent.level is Level.LEAF else "candidate_top"].to_pylist()
                matches, sets = _leaf_sets(names, categories, intent.level)
                question = dataclasses.replace(question, leaf_matches=matches, leaf_sets=sets)
            questions.append(question)
        return questions

    def report(self, found: dict[str, FloatArray]) -> str:
        """Returns a table: the AUC of probabilities against the known labels."""
        lines = [f"{'intent':<24}{'AUC':>8}{'positives':>11}{'negatives':>11}{'labels':>9}{'oracle':>9}"]
        for name, values in found.items():
            is_known = self.is_known[name] & np.isfinite(values)
            labels, scores = self.labels[name][is_known], values[is_known]
            area = auc(scores, labels)
            shown = "n/a" if area is None else f"{area:.4f}"
            means = f"{labels.mean():>9.4f}{scores.mean():>9.4f}" if len(labels) else ""
            lines.append(f"{name:<24}{shown:>8}{labels.sum():>11,}{len(labels) - labels.sum():>11,}{means}")
        return "\n".join(lines)


def read_samples(path: pathlib.Path, split: str, max_samples: int) -> OracleSamples:
    """Reads the samples of a split.

    Args:
        path: file that `edgedipn_tf.inspect_dataset --to_parquet` wrote.
        split: `train` or `eval`.
        max_samples: the first samples only; 0 for all.

    Raises:
        InputError: when the file cannot be read, lacks a column, or has no sample of the split.
    """
    try:
        found = set(pq.read_schema(path).names)
        intents = [intent.name for intent in INTENTS if f"{intent.name}_label" in found]
        columns = [*KEY_COLUMNS, *(f"{name}_{what}" for name in intents for what in ("label", "weight"))]
        missing = [name for name in columns if name not in found]
        if missing or not intents:
            raise InputError(f"--samples={path}: no column {missing[0] if missing else INTENTS[0].name + '_label'}")
        table = pq.read_table(path, columns=columns, filters=[("split", "=", split)])
    except (pa.ArrowInvalid, FileNotFoundError) as error:
        cause = "no such file" if isinstance(error, FileNotFoundError) else "not a Parquet file"
        raise InputError(f"--samples={path}: {cause}: write it with inspect_dataset --to_parquet") from None
    table = table.slice(0, max_samples) if max_samples else table
    if not len(table):
        raise InputError(f"--samples={path}: no sample of the split {split}")
    labels = {name: np.array(table[f"{name}_label"].to_pylist()).astype(np.int64) for name in intents}
    is_known = {name: np.array(table[f"{name}_weight"].to_pylist()) > 0 for name in intents}
    return OracleSamples(table.select(KEY_COLUMNS), labels, is_known)


def _leaf_sets(names: list[list[str | None]], categories: Categories, level: Level) -> tuple[IntArray, BoolArray]:
    """Returns for each candidate the row of a table that says which leaves count for it; row 0: none."""
    leaves = np.arange(len(categories.leaf_names))
    known = categories.leaf_names if level is Level.LEAF else categories.top_names
    of_leaf = leaves if level is Level.LEAF else categories.top_of_leaf
    sets = np.zeros((len(known) + 1, len(leaves)), np.bool_)
    sets[of_leaf + 1, leaves] = True
    numbers = {name: place + 1 for place, name in enumerate(known)}
    return np.array([[numbers.get(name or "", 0) for name in row] for row in names], np.int64), sets
