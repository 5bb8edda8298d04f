"""What each view of the simulated world tells of purchases and carts, and how much more a longer window does.

Best possible AUCs by what is known of the hidden state, on cut-offs at random pages. No label is drawn: a cut-off
counts as bought with its true probability, estimated by rollouts of its own, so that few cut-offs do.
"""

import sys
import time
from collections.abc import Sequence

import numpy as np
from absl import flags

from edgedipn_tf import commands
from edgedipn_tf.simulation.beliefs import believe
from edgedipn_tf.simulation.config import DIPN_VOLUMES, Volumes, WorldConfig
from edgedipn_tf.simulation.dynamics import Dynamics
from edgedipn_tf.simulation.evidence import Evidence
from edgedipn_tf.simulation.journeys import simulate_journeys
from edgedipn_tf.simulation.moments import moments_of
from edgedipn_tf.simulation.randomness import FloatArray
from edgedipn_tf.simulation.rollouts import Question, probabilities
from edgedipn_tf.simulation.world import World, make_world

DESCRIPTION = """
Measures what views and lengths tell of purchases and carts in the simulated world.

  python -m benchmarks.simulated_information --volumes=dipn
"""
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_NUM_DAYS = 10
_KNOWN: tuple[tuple[str, Evidence | None], ...] = (
    ("hidden state", None),
    ("three views, newest 512 actions", Evidence(True, 512)),
    ("three views, newest 256 actions", Evidence(True, 256)),
    ("three views, newest 128 actions", Evidence(True, 128)),
    ("three views, newest 64 actions", Evidence(True, 64)),
    ("browse view, newest 256 actions", Evidence(False, 256)),
    ("three views, newest action", Evidence(True, 1)),
)
_INTENTS = ("purchase 1 h", "same day", "cart 1 h")


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags."""
    flags.DEFINE_enum("volumes", "dipn", ["small", "dipn"], "Volumes of the world.", flag_values=values)
    flags.DEFINE_integer("num_users", 100, "Users.", 1, flag_values=values)
    flags.DEFINE_integer("num_cutoffs", 400, "Cut-offs.", 1, flag_values=values)
    flags.DEFINE_integer("rollouts", 400, "Rollouts of a cut-off.", 1, flag_values=values)
    flags.DEFINE_integer("seed", 1, "Seed of the world and the cut-offs.", 0, flag_values=values)


def main(values: flags.FlagValues, _: list[str]) -> None:
    """Measures and prints."""
    volumes = DIPN_VOLUMES if values.volumes == "dipn" else Volumes()
    world = make_world(WorldConfig(volumes=volumes), values.seed)
    truth = _scores(world, values, None, salt=0)
    print(f"simulated world, volumes {values.volumes}: {truth.shape[1]} cut-offs; AUC of the best scores")
    print(_row("", _INTENTS))
    print(_row("share of positives", [f"{mean:.4f}" for mean in truth.mean(axis=1)]))
    for salt, (name, evidence) in enumerate(_KNOWN, start=1):
        start = time.process_time()
        scores = _scores(world, values, evidence, salt)
        areas = [f"{expected_auc(*pair):.4f}" for pair in zip(scores, truth, strict=True)]
        print(f"{_row(name, areas)}   ({time.process_time() - start:.0f} CPU-seconds)", flush=True)


def _row(name: str, cells: Sequence[str]) -> str:
    return f"{name:<34}" + "".join(f"{cell:>14}" for cell in cells)


def _scores(world: World, values: flags.FlagValues, evidence: Evidence | None, salt: int) -> FloatArray:
    """Returns the probabilities of the intents by rollouts of their own, (intents, cut-offs)."""
    days_ms = _DAY_MS * np.arange(_NUM_DAYS + 3)
    journeys = simulate_journeys(world, range(values.num_users), days_ms[: _NUM_DAYS + 1])
    pages, random = journeys.pages, np.random.default_rng(values.seed)
    page = random.choice(np.flatnonzero(pages.open_ms > 0.7 * _NUM_DAYS * _DAY_MS), values.num_cutoffs, replace=False)
    stay_ms = (pages.end_ms - pages.open_ms)[page]
    t0_ms = pages.open_ms[page] + (random.random(len(page)) * stay_ms).astype(np.int64)
    moments = moments_of(world, journeys, pages.user[page], t0_ms, days_ms)
    draw_hidden = None if evidence is None else believe(world, journeys, moments, evidence).draw
    keys = random.integers(0, 2**63, (len(_KNOWN) + 1, len(page)), dtype=np.uint64)[salt]
    day_end_ms = (t0_ms // _DAY_MS + 1) * _DAY_MS - 1
    windows = (("purchase", t0_ms + _HOUR_MS), ("purchase", day_end_ms), ("cart", t0_ms + _HOUR_MS))
    questions = [Question(action, t0_ms, last_ms) for action, last_ms in windows]
    dynamics = Dynamics(world, journeys.crowd, days_ms)
    found = probabilities(dynamics, moments, keys, questions, values.rollouts, draw_hidden)
    return np.stack([answer[:, 0] for answer in found])


def expected_auc(scores: FloatArray, truth: FloatArray) -> float:
    """Returns the AUC when each row is a positive with probability `truth`, ties as 1/2."""
    order = np.argsort(scores, kind="stable")
    _, group = np.unique(scores[order], return_inverse=True)
    positives, negatives = np.bincount(group, truth[order]), np.bincount(group, 1 - truth[order])
    below = np.cumsum(negatives) - negatives / 2
    return float((positives * below).sum() / (positives.sum() * negatives.sum()))


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(DESCRIPTION, define_flags, main))


if __name__ == "__main__":
    cli()
