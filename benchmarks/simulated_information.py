"""What each view of the simulated world tells of a purchase within the hour, and how much more a longer window does.

Best possible AUCs by what is known of the hidden state, on cut-offs at random pages. No label is drawn: a cut-off
counts as bought with its true probability, estimated by rollouts of its own, so that few cut-offs do.
"""

import sys
import time

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
Measures what views and lengths tell of a purchase within the hour in the simulated world.

  python -m benchmarks.simulated_information --volumes=dipn
"""
_DAY_MS = 86_400_000
_NUM_DAYS = 10
_KNOWN: tuple[tuple[str, Evidence | None], ...] = (
    ("hidden state", None),
    ("three views, newest 256 actions", Evidence(True, 256)),
    ("three views, newest 64 actions", Evidence(True, 64)),
    ("browse view, newest 256 actions", Evidence(False, 256)),
)


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags."""
    flags.DEFINE_enum("volumes", "dipn", ["small", "dipn"], "Volumes of the world.", flag_values=values)
    flags.DEFINE_integer("num_users", 100, "Users.", 1, flag_values=values)
    flags.DEFINE_integer("num_cutoffs", 400, "Cut-offs.", 1, flag_values=values)
    flags.DEFINE_integer("rollouts", 1000, "Rollouts of a cut-off.", 1, flag_values=values)
    flags.DEFINE_integer("seed", 1, "Seed of the world and the cut-offs.", 0, flag_values=values)


def main(values: flags.FlagValues, _: list[str]) -> None:
    """Measures and prints."""
    volumes = DIPN_VOLUMES if values.volumes == "dipn" else Volumes()
    world = make_world(WorldConfig(volumes=volumes), values.seed)
    truth = _scores(world, values, None, salt=0)
    print(f"simulated world, volumes {values.volumes}: {len(truth)} cut-offs, purchase within 1 h {truth.mean():.4f}")
    for salt, (name, evidence) in enumerate(_KNOWN, start=1):
        start = time.process_time()
        scores = _scores(world, values, evidence, salt)
        seconds = time.process_time() - start
        print(f"{name:<34} AUC {expected_auc(scores, truth):.4f}   ({seconds:.0f} CPU-seconds)", flush=True)


def _scores(world: World, values: flags.FlagValues, evidence: Evidence | None, salt: int) -> FloatArray:
    """Returns the probabilities of the cut-offs by rollouts of their own, (cut-offs,)."""
    days_ms = _DAY_MS * np.arange(_NUM_DAYS + 3)
    journeys = simulate_journeys(world, range(values.num_users), days_ms[: _NUM_DAYS + 1])
    pages, random = journeys.pages, np.random.default_rng(values.seed)
    page = random.choice(np.flatnonzero(pages.open_ms > 0.7 * _NUM_DAYS * _DAY_MS), values.num_cutoffs, replace=False)
    stay_ms = (pages.end_ms - pages.open_ms)[page]
    t0_ms = pages.open_ms[page] + (random.random(len(page)) * stay_ms).astype(np.int64)
    moments = moments_of(world, journeys, pages.user[page], t0_ms, days_ms)
    draw_hidden = None if evidence is None else believe(world, journeys, moments, evidence).draw
    keys = random.integers(0, 2**63, (len(_KNOWN) + 1, len(page)), dtype=np.uint64)[salt]
    question = Question("purchase", t0_ms, t0_ms + 3_600_000)
    dynamics = Dynamics(world, journeys.crowd, days_ms)
    (found,) = probabilities(dynamics, moments, keys, [question], values.rollouts, draw_hidden)
    return found[:, 0]


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
