"""world.json of a simulated log: what it takes to simulate the same users again."""

import dataclasses
import pathlib

import numpy as np

from beam_pipelines.world_file import world_config
from edgedipn_tf import publishing
from edgedipn_tf.commands import InputError
from edgedipn_tf.local_time import LocalTime
from edgedipn_tf.simulation.config import WorldConfig
from edgedipn_tf.simulation.randomness import IntArray
from edgedipn_tf.simulation.world import World, make_world

WORLD_FILE = "world.json"
_FORMAT_VERSION = 2
_USER_PREFIX = "user-"


@dataclasses.dataclass(frozen=True)
class SimulatedLog:
    """A simulated log, by what it was made of.

    Attributes:
        world: the shop with its seed.
        num_users, num_days: size of the log.
        first_day: its first local day.
        local_time: where its users live.
    """

    world: World
    num_users: int
    num_days: int
    first_day: int
    local_time: LocalTime

    def day_start_ms(self, further_days: int = 0) -> IntArray:
        """Returns the first instants of the log's local days, of further ones, and the end of the last."""
        days = np.arange(self.first_day, self.first_day + self.num_days + further_days + 1)
        return self.local_time.day_start_ms(days)

    def write(self, folder: pathlib.Path) -> None:
        """Writes world.json."""
        values = {
            "format_version": _FORMAT_VERSION,
            "seed": self.world.seed,
            "num_users": self.num_users,
            "num_days": self.num_days,
            "start_date": self.local_time.date_text(self.first_day),
            "timezone": self.local_time.name,
            "config": dataclasses.asdict(self.world.config),
        }
        publishing.write_json(folder / WORLD_FILE, values)


def open_simulated_log(folder: pathlib.Path) -> SimulatedLog:
    """Returns a simulated log by its world.json.

    Raises:
        InputError: when the file is absent, is damaged or is of another version.
    """
    path = folder / WORLD_FILE
    remedy = "name a folder that this version's simulate_events wrote"
    values = publishing.read_json(path, "parameters of a simulated log", remedy)
    if not isinstance(values, dict) or values.get("format_version") != _FORMAT_VERSION:
        raise InputError(f"{path}: expected format_version {_FORMAT_VERSION}: {remedy}")
    try:
        local_time = LocalTime(values["timezone"])
        config = world_config(values["config"], WorldConfig(), str(path))
        world = make_world(config, values["seed"])
        first_day = local_time.parse_date(values["start_date"])
        return SimulatedLog(world, values["num_users"], values["num_days"], first_day, local_time)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: damaged ({error}): {remedy}") from None


def user_name(number: int) -> str:
    """Returns the user_id of a user's number."""
    return f"{_USER_PREFIX}{number:06}"


def user_number(log: SimulatedLog, user_id: str) -> int:
    """Returns the number of a user.

    Raises:
        InputError: when the log has no such user.
    """
    digits = user_id.removeprefix(_USER_PREFIX)
    if digits.isascii() and digits.isdigit() and user_name(int(digits)) == user_id and int(digits) < log.num_users:
        return int(digits)
    raise InputError(
        f"user {user_id!r} is not of the simulated log, whose users go up to {user_name(log.num_users - 1)}"
    )
