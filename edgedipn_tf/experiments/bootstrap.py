"""AUCs under redrawn users. Equal samples give equal draws, so differences between runs can be taken draw by draw.

That makes a paired bootstrap of numbers alone: a run keeps its AUC under each draw, and neither scores nor users.
"""

import dataclasses
import hashlib
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from edgedipn_tf.ranking import RankedRows, auc_of_groups

FloatArray = NDArray[np.float64]
_UNIT = 1e-5
_UNDEFINED = "-"


@dataclasses.dataclass(frozen=True)
class DrawnAuc:
    """The AUC of one intent by one run, and under each draw of the users.

    Attributes:
        auc: None without rows of both classes.
        draws: (num_draws,), NaN where undefined.
        num_positives, num_negatives, num_users: what it rests on.
        rows: hash of labels and users; runs with equal ones were drawn alike.
    """

    auc: float | None
    draws: FloatArray
    num_positives: int
    num_negatives: int
    num_users: int
    rows: str

    def to_json(self) -> dict[str, Any]:
        """Returns plain values; draws as text, in units of 1e-5."""
        words = [_UNDEFINED if np.isnan(draw) else str(round(draw / _UNIT)) for draw in self.draws]
        return {**dataclasses.asdict(self), "draws": " ".join(words)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Returns what `to_json` described."""
        draws = [np.nan if word == _UNDEFINED else int(word) * _UNIT for word in values["draws"].split()]
        return cls(**{**values, "draws": np.array(draws)})


def draw_aucs(scores: NDArray[Any], labels: NDArray[np.int64], users: NDArray[np.int64], num_draws: int) -> DrawnAuc:
    """Draws users with replacement, all rows of a user together, and returns the AUC of each draw.

    Args:
        scores: (N,) finite.
        labels: (N,) 0 or 1.
        users: (N,) any integers that identify the row's user.
        num_draws: how often.
    """
    _, users = np.unique(users, return_inverse=True)
    digest = hashlib.sha256(labels.astype(np.int64).tobytes() + users.astype(np.int64).tobytes()).digest()
    generator = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    num_users = int(users.max()) + 1 if len(users) else 0
    ranked = RankedRows(scores, labels)
    draws = np.full(num_draws, np.nan)
    for place in range(num_draws if num_users else 0):
        counts = np.bincount(generator.integers(num_users, size=num_users), minlength=num_users)
        auc = auc_of_groups(*ranked.count(counts[users[ranked.order]]))
        draws[place] = np.nan if auc is None else auc
    num_positives = int(labels.sum())
    auc = auc_of_groups(*ranked.count())
    return DrawnAuc(auc, draws, num_positives, len(labels) - num_positives, num_users, digest[:8].hex())
