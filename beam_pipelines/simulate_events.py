"""Command: simulates users of a shop and writes their events in the format of a raw log."""

import dataclasses
import datetime
import itertools
import pathlib
import sys
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from absl import flags

from beam_pipelines.raw_log import FORMATS, LogDescription, LogWriter
from beam_pipelines.simulated_log import SimulatedLog, user_name
from beam_pipelines.world_file import read_world_file
from edgedipn_tf import commands, publishing
from edgedipn_tf.commands import InputError
from edgedipn_tf.local_time import LocalTime
from edgedipn_tf.simulation.config import DIPN_VOLUMES, Volumes, WorldConfig
from edgedipn_tf.simulation.randomness import IntArray
from edgedipn_tf.simulation.simulate import UserLog, simulate_users
from edgedipn_tf.simulation.traits import PROFILE_COLUMNS
from edgedipn_tf.simulation.views import column_names
from edgedipn_tf.simulation.world import World, make_world

DESCRIPTION = """Simulates event logs of a shop's app, for trying the pipeline without a real log.

  python -m beam_pipelines.simulate_events --output=logs/simulated --num_users=300
  python -m beam_pipelines.simulate_events --output=logs/dipn --num_users=200 --volumes=dipn

Users have lasting traits (activity, habits of coming back and of filling the cart, tastes, a phone, a hand), needs that
last for days with a conviction that grows slowly, and goals that change from page to page: idle, explore, compare,
decide, order. Goals are hidden; they show in the pages opened, in taps and in swipes. So is conviction; it shows a
little in each of hundreds of swipes. Nobody ever did what these logs tell: results on them say that the pipeline works,
nothing about people.

--volumes=small has about 130 events a user and day, dipn about 2,000: the volumes of DIPN's Table 1. Every parameter of
the world is in edgedipn_tf/simulation/config.py and can be changed by a file, --world=world.toml:

  [needs]
  pays = 0.5

Writes swipe/, tap/, browse/ and profile/ with one part for each 64 users, world.json with all parameters, and log.json
with the flags of beam_pipelines.discretize_events that suit the log. The same flags give the same bytes.

The simulation knows the truth: beam_pipelines.simulation_oracle writes the true probability of every intent at the
cut-offs of a dataset made of such a log.
"""
_VOLUMES = {"small": Volumes(), "dipn": DIPN_VOLUMES}
_USERS_PER_PART = 64
_USERS_TOGETHER = 512
_CAVEATS = (
    "simulated: nobody ever did what this log tells; its scores say that the pipeline works, nothing about people",
    "users are independent of each other, and each day of the week is like every other",
)


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command."""
    flags.DEFINE_string("output", None, "folder to publish the events in", flag_values=values, required=True)
    flags.DEFINE_bool("overwrite", False, "whether an output that is there may be replaced", flag_values=values)
    flags.DEFINE_integer("num_users", 300, "users; the first ones do not depend on it", 1, flag_values=values)
    flags.DEFINE_integer(
        "num_days", 21, "local days; the 7-day intents need 18, the reference is 21", 2, 3650, flag_values=values
    )
    flags.DEFINE_string("start_date", "2021-03-01", "first local day, YYYY-MM-DD", flag_values=values)
    flags.DEFINE_integer("seed", 1, "seed of everything", 0, 2**63 - 1, flag_values=values)
    flags.DEFINE_string("timezone", "Asia/Shanghai", "time zone in which the users live", flag_values=values)
    flags.DEFINE_enum("format", "parquet", FORMATS, "file format of the parts", flag_values=values)
    flags.DEFINE_enum("volumes", "small", list(_VOLUMES), "how much is logged of a user and day", flag_values=values)
    flags.DEFINE_float(
        "actions_scale", 1.0, "multiplies the swipes, and the taps on buttons, of a page", 0.0, 100.0,
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_string("world", None, "TOML file with parameters of the world", flag_values=values)


def main(values: flags.FlagValues, _: list[str]) -> None:
    """Simulates and publishes one log.

    Raises:
        InputError: when the date or the time zone is not one, or the output exists.
    """
    local_time = LocalTime(values.timezone)
    first_day = local_time.parse_date(values.start_date)
    day_start_ms = local_time.day_start_ms(np.arange(first_day, first_day + values.num_days + 1))
    output = pathlib.Path(values.output)
    world = _make_world(values)
    with publishing.publish_folder(output, values.overwrite) as folder:
        writer = LogWriter(folder, values.format)
        for first in range(0, values.num_users, _USERS_TOGETHER):
            users = range(first, min(first + _USERS_TOGETHER, values.num_users))
            for part, logs in _parts(users, simulate_users(world, users, day_start_ms)):
                _write_part(writer, world, part, logs)
                num_events = sum(writer.num_rows.values())
                print(f"simulated {part.stop:,} of {values.num_users:,} users, {num_events:,} rows", flush=True)
        SimulatedLog(world, values.num_users, values.num_days, first_day, local_time).write(folder)
        writer.describe(_describe(values, day_start_ms), {})
    rows = ", ".join(f"{count:,} {name}" for name, count in writer.num_rows.items())
    print(f"simulated log: {values.num_users:,} users, {values.num_days} days -> {rows} rows")
    print(f"written to {output}; suggested flags are in {output / 'log.json'}")


def _make_world(values: flags.FlagValues) -> World:
    volumes = _VOLUMES[values.volumes]
    scale = values.actions_scale
    volumes = dataclasses.replace(volumes, swipes=volumes.swipes * scale, taps=volumes.taps * scale)
    config = WorldConfig(volumes=volumes)
    if values.world is not None:
        config = read_world_file(values.world, config)
    try:
        return make_world(config, values.seed)
    except ValueError as error:
        raise InputError(f"--world={values.world}: {error}") from None


def _parts(users: range, logs: Iterator[UserLog]) -> Iterator[tuple[range, list[UserLog]]]:
    for first in range(users.start, users.stop, _USERS_PER_PART):
        part = range(first, min(first + _USERS_PER_PART, users.stop))
        yield part, list(itertools.islice(logs, len(part)))


def _write_part(writer: LogWriter, world: World, users: Sequence[int], logs: Sequence[UserLog]) -> None:
    ids = pa.array([user_name(user) for user in users])
    for view, names in column_names(world).items():
        present = [k for k, log in enumerate(logs) if view in log.views]
        if not present:
            continue
        parts = [logs[k].views[view] for k in present]
        numbers = [len(part["timestamp_ms"]) for part in parts]
        columns = {"user_id": ids.take(pa.array(np.repeat(present, numbers)))}
        for column in parts[0]:
            values = np.concatenate([part[column] for part in parts])
            columns[column] = _named(values, names[column]) if column in names else pa.array(values, from_pandas=True)
        writer.write(view, columns)
    with_profile = [k for k, log in enumerate(logs) if log.profile]
    profile = {name: pa.array([logs[k].profile[name] for k in with_profile]) for name in PROFILE_COLUMNS}
    writer.write("profile", {"user_id": ids.take(pa.array(with_profile, pa.int64())), **profile})


def _named(indices: IntArray, names: Sequence[str]) -> pa.Array:
    return pa.array(names).take(pa.array(indices, mask=indices < 0))


def _describe(values: flags.FlagValues, day_start_ms: IntArray) -> LogDescription:
    # A week after the last cut-off, so that the 7-day intents are known there, and more than a week of training days
    # before it, where the log is long enough; else a day, for retention.
    evaluation_day = values.num_days - 8 if values.num_days >= 18 else max(values.num_days - 2, 1)
    date = datetime.date.fromisoformat(values.start_date) + datetime.timedelta(days=evaluation_day)
    log_end_ms = int(day_start_ms[-1]) - 1
    log_end = datetime.datetime.fromtimestamp(log_end_ms // 1000, datetime.UTC)
    return LogDescription(
        name="simulated",
        is_simulated=True,
        timezone=values.timezone,
        log_end_ms=log_end_ms,
        suggested_flags={
            "timezone": values.timezone,
            "evaluation_date": date.isoformat(),
            "last_cutoff_date": date.isoformat(),
            "log_end": log_end.strftime(f"%Y-%m-%dT%H:%M:%S.{log_end_ms % 1000:03}+00:00"),
            "warmup_days": min(2, evaluation_day - 1),
            "samples_per_user_day": 8,
        },
        caveats=_CAVEATS,
        counts={"users": values.num_users, "days": values.num_days, "seed": values.seed},
    )


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(DESCRIPTION, define_flags, main))


if __name__ == "__main__":
    cli()
