"""Command: the true probability of every intent at the cut-offs of a simulated log."""

import io
import pathlib
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from absl import flags

from beam_pipelines.oracle_samples import OracleSamples, read_samples
from beam_pipelines.simulated_log import SimulatedLog, open_simulated_log, user_number
from edgedipn_tf import commands, publishing
from edgedipn_tf.commands import InputError
from edgedipn_tf.random_keys import key
from edgedipn_tf.simulation.beliefs import believe
from edgedipn_tf.simulation.dynamics import Dynamics
from edgedipn_tf.simulation.evidence import Evidence
from edgedipn_tf.simulation.journeys import Journeys, simulate_journeys
from edgedipn_tf.simulation.moments import moments_of
from edgedipn_tf.simulation.randomness import FloatArray, IntArray
from edgedipn_tf.simulation.rollouts import Question, probabilities

DESCRIPTION = """Writes the true probability of every intent at the cut-offs of a simulated log: the best scores.

  python -m edgedipn_tf.inspect_dataset --data=dataset --to_parquet=samples.parquet --max_length=1
  python -m beam_pipelines.simulation_oracle --logs=logs/simulated --samples=samples.parquet --output=oracle.parquet

It simulates the users of the samples again, takes their hidden state at each cut-off and rolls it forward --rollouts
times; a probability is the share of rollouts in which the intent comes true. The hidden state holds all that a log can
tell of the future, so no model can be expected to rank the intents without candidates better. (Candidates are chosen
looking ahead: for these it is what is known at the cut-off, not a bound.) A sampler that takes as many cut-offs from
each day, however much happens on it, prefers those that little follows: there labels come true less often than the
probabilities say, which are those of the moment as such.

--given tells what is known of the goal and the conviction, which no log shows directly; all else is always known:
  state    everything
  views    what the newest --max_length actions of each view tell, by Bayes' rule
  browse   what the newest --max_length actions of the browse view tell, and when other pages open: no less than any
           model of the browse view can know

--output has a row for each sample, in their order: user_id, t0_ms, split, candidate_leaf and candidate_top as there,
and INTENT_probability, a list of 1 or K numbers, null where the candidate has no name. Prints the AUC.
"""
_WEEK_AND_DAY = 9


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command."""
    text, integer, enum = flags.DEFINE_string, flags.DEFINE_integer, flags.DEFINE_enum
    text("logs", None, "folder that simulate_events wrote", required=True, flag_values=values)
    text("samples", None, "file that inspect_dataset --to_parquet wrote", required=True, flag_values=values)
    text("output", None, "Parquet file to write", required=True, flag_values=values)
    flags.DEFINE_bool("overwrite", False, "whether an output that is there may be replaced", flag_values=values)
    enum("split", "eval", ["train", "eval"], "which samples", flag_values=values)
    enum("given", "state", ["state", "views", "browse"], "what is known at a cut-off", flag_values=values)
    integer("max_length", 256, "actions of a view, for --given=views or browse", 1, 4096, flag_values=values)
    integer("rollouts", 1000, "rollouts of each cut-off", 1, 65_536, flag_values=values)
    integer("max_samples", 0, "first samples only; 0: all", 0, flag_values=values)


def main(values: flags.FlagValues, _: list[str]) -> None:
    """Computes and writes the probabilities.

    Raises:
        InputError: when the samples are not of the log, or the output exists.
    """
    output = pathlib.Path(values.output)
    if output.exists() and not values.overwrite:
        raise InputError(f"--output={output} exists: choose another file, remove it, or pass --overwrite")
    log = open_simulated_log(pathlib.Path(values.logs))
    samples = read_samples(pathlib.Path(values.samples), values.split, values.max_samples)
    evidence = None if values.given == "state" else Evidence(values.given == "views", values.max_length)
    found = _probabilities(log, samples, values.rollouts, evidence)
    buffer = io.BytesIO()
    pq.write_table(_table(samples, found), buffer, compression="zstd")
    publishing.write_bytes(output, buffer.getvalue())
    print(samples.report(found))
    print(f"{len(samples.keys):,} cut-offs of a simulated log, given {values.given} -> {output}")


def _probabilities(
    log: SimulatedLog, samples: OracleSamples, num_rollouts: int, evidence: Evidence | None
) -> dict[str, FloatArray]:
    t0_ms = samples.keys["t0_ms"].to_numpy()
    users = np.array([user_number(log, user_id) for user_id in samples.keys["user_id"].to_pylist()])
    numbers, user = np.unique(users, return_inverse=True)
    journeys = simulate_journeys(log.world, numbers.tolist(), log.day_start_ms())
    day_start_ms = log.day_start_ms(_WEEK_AND_DAY)
    if t0_ms.min() < day_start_ms[0] or t0_ms.max() >= day_start_ms[log.num_days]:
        raise InputError("the samples have cut-offs outside the days of the simulated log: are they of another log?")
    try:
        moments = moments_of(log.world, journeys, user, t0_ms, day_start_ms)
    except ValueError as error:
        raise InputError(f"the samples are not of this simulated log: {error}") from None
    dynamics = Dynamics(log.world, journeys.crowd, day_start_ms)
    keys = np.array([key("oracle", log.world.seed, *pair) for pair in zip(users, t0_ms, strict=True)], np.uint64)
    draw_hidden = None if evidence is None else believe(log.world, journeys, moments, evidence).draw
    questions = samples.questions(log.world.categories, log.local_time)
    answers = probabilities(dynamics, moments, keys, questions, num_rollouts, draw_hidden, _show_progress)
    return _as_logged(samples, journeys, user, questions, answers)


def _show_progress(done: int, of: int) -> None:
    print(f"\r{done:,} of {of:,} cut-offs", end="" if done < of else "\n", flush=True)


def _as_logged(
    samples: OracleSamples, journeys: Journeys, user: IntArray, questions: list[Question], answers: list[FloatArray]
) -> dict[str, FloatArray]:
    """Nobody learns of what an app did not log; a candidate without a name has no probability."""
    is_silent = np.array([one.style.missing_view == "browse" for one in journeys.users])[user]
    found = {}
    for intent, question, answer in zip(samples.intents, questions, answers, strict=True):
        if question.action != "any":
            answer[is_silent] = 0.0
        if question.leaf_matches is not None:
            answer[question.leaf_matches == 0] = np.nan
        found[intent.name] = answer
    return found


def _table(samples: OracleSamples, found: dict[str, FloatArray]) -> pa.Table:
    table = samples.keys
    for name, values in found.items():
        width = values.shape[1]
        offsets = pa.array(np.arange(0, values.size + 1, width, dtype=np.int32))
        lists = pa.ListArray.from_arrays(offsets, pa.array(values.ravel(), from_pandas=True))
        table = table.append_column(f"{name}_probability", lists)
    return table


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(DESCRIPTION, define_flags, main))


if __name__ == "__main__":
    cli()
