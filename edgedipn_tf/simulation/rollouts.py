"""Rolls hidden states forward many times: the true probability of what comes after a moment.

With N rollouts a probability p has the standard error sqrt(p (1 - p) / N).
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from edgedipn_tf.random_keys import mix
from edgedipn_tf.simulation.dynamics import Dynamics, Outcome, State
from edgedipn_tf.simulation.moments import Moments
from edgedipn_tf.simulation.randomness import BoolArray, FloatArray, IntArray, Streams
from edgedipn_tf.simulation.views import LEAVE_MS

MAX_ROWS = 65_536
"""Rollouts that move together: enough that NumPy's cost a call does not count, few enough for the caches."""
HiddenDraw = Callable[[State, IntArray], None]
"""Draws anew what is not known of the hidden states of rollouts, in place, given the moment of each."""


@dataclasses.dataclass(frozen=True)
class Question:
    """Does something happen in (after_ms, last_ms]?

    Attributes:
        action: `purchase`, `cart` or `any`.
        after_ms, last_ms: the windows, (moments,).
        leaf_matches: for purchases in a category: which leaves count for each candidate, (moments, K) indices into the
            rows of `leaf_sets`; None for any purchase.
        leaf_sets: (sets, leaves).
    """

    action: str
    after_ms: IntArray
    last_ms: IntArray
    leaf_matches: IntArray | None = None
    leaf_sets: BoolArray | None = None

    def take(self, rows: IntArray | slice) -> "Question":
        """Returns the question about some of the moments."""
        matches = None if self.leaf_matches is None else self.leaf_matches[rows]
        return Question(self.action, self.after_ms[rows], self.last_ms[rows], matches, self.leaf_sets)


class _Answers:
    """What happened in each rollout: for each question (rollouts, K), K = 1 without candidates."""

    def __init__(self, questions: Sequence[Question], num_rollouts: int) -> None:
        self._questions = questions
        self._num_rollouts = num_rollouts
        self.hits: list[BoolArray] = []
        for question in questions:
            width = 1 if question.leaf_matches is None else question.leaf_matches.shape[1]
            self.hits.append(np.zeros((len(question.after_ms) * num_rollouts, width), np.bool_))

    def see_pages(
        self, origin: IntArray, open_ms: IntArray, end_ms: IntArray, outcome: IntArray, leaf: IntArray
    ) -> None:
        """Counts pages, each with the rollout that it belongs to."""
        moment = origin // self._num_rollouts
        for question, hits in zip(self._questions, self.hits, strict=True):
            if question.action == "any":
                is_hit = (open_ms <= question.last_ms[moment]) & (end_ms + LEAVE_MS > question.after_ms[moment])
                hits[origin[is_hit], 0] = True
                continue
            rows = np.flatnonzero(outcome == (Outcome.PURCHASE if question.action == "purchase" else Outcome.CART))
            of, time_ms = moment[rows], end_ms[rows]
            is_hit = (time_ms > question.after_ms[of]) & (time_ms <= question.last_ms[of])
            rows, of = rows[is_hit], of[is_hit]
            if question.leaf_matches is None or question.leaf_sets is None:
                hits[origin[rows], 0] = True
            else:
                hits[origin[rows]] |= question.leaf_sets[question.leaf_matches[of], leaf[rows, np.newaxis]]


def probabilities(
    dynamics: Dynamics,
    moments: Moments,
    keys: Streams,
    questions: Sequence[Question],
    num_rollouts: int,
    draw_hidden: HiddenDraw | None = None,
    show_progress: Callable[[int, int], None] | None = None,
) -> list[FloatArray]:
    """Returns for each question the share of rollouts in which it happens, (moments, K), K = 1 without candidates.

    Args:
        dynamics: moves states of the moments' users; its days go on until the last window ends.
        moments: hidden states.
        keys: of the random numbers of each moment, (moments,): an answer does not depend on the other moments.
        questions: what is asked of every moment.
        num_rollouts: rollouts a moment.
        draw_hidden: draws what is not known of the hidden states; by default all of it is known.
        show_progress: told how many of how many moments are done.
    """
    parts = []
    step = max(1, MAX_ROWS // num_rollouts)
    for first in range(0, len(keys), step):
        rows = slice(first, first + step)
        asked = [question.take(rows) for question in questions]
        hits = _roll(dynamics, moments.take(rows), keys[rows], asked, num_rollouts, draw_hidden, first)
        parts.append([hit.reshape(-1, num_rollouts, hit.shape[1]).mean(axis=1) for hit in hits])
        if show_progress is not None:
            show_progress(min(first + step, len(keys)), len(keys))
    return [np.concatenate([part[k] for part in parts]) for k in range(len(questions))]


def _roll(
    dynamics: Dynamics,
    moments: Moments,
    keys: Streams,
    questions: Sequence[Question],
    num_rollouts: int,
    draw_hidden: HiddenDraw | None,
    first: int,
) -> list[BoolArray]:
    size = len(keys)
    moment = np.repeat(np.arange(size), num_rollouts)
    state = moments.state.take(moment)
    number = np.tile(np.arange(num_rollouts, dtype=np.uint64), size)
    state.streams[:] = mix(mix(keys)[moment] ^ number)
    state.origin[:] = np.arange(len(moment))
    if draw_hidden is not None:
        draw_hidden(state, first + moment)
    last_ms = np.max([question.last_ms for question in questions], axis=0)
    answers = _Answers(questions, num_rollouts)
    is_open = moments.is_open[moment]
    opened = state.take(is_open)
    _end_pages(dynamics, opened, moments.elapsed_ms[moment][is_open], answers)
    state = State.join([opened, state.take(~is_open)])
    while True:
        dynamics.open_next_page(state)
        going = state.time_ms <= last_ms[moment[state.origin]]
        if not going.any():
            return answers.hits
        if going.mean() < 0.9:
            state = state.take(going)
        _end_pages(dynamics, state, 0, answers)


def _end_pages(dynamics: Dynamics, state: State, elapsed_ms: IntArray | int, answers: _Answers) -> None:
    open_ms = state.time_ms.copy()
    end_ms = dynamics.stay(state, elapsed_ms)
    outcome = dynamics.end_page(state, end_ms)
    answers.see_pages(state.origin, open_ms, end_ms, outcome, state.focus)
