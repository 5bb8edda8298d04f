"""The ids of one action: which formula belongs to which feature of which action."""

import collections
from collections.abc import Mapping

from edgedipn_tf import schema
from tests.reference import formulas, raw_records
from tests.reference.local_days import LocalDays
from tests.reference.raw_records import Row


class Encoder:
    """Turns actions into ids.

    Args:
        vocabularies: id by name, per `view_feature`.
        days: the calendar, for the local hour.
    """

    def __init__(self, vocabularies: Mapping[str, Mapping[str, int]], days: LocalDays) -> None:
        self._vocabularies = vocabularies
        self._days = days

    def name_id(self, key: str, name: str | None) -> int:
        """Returns the id of a name in a vocabulary."""
        return formulas.NOT_APPLICABLE if name is None else self._vocabularies[key].get(name, formulas.NOT_APPLICABLE)

    def swipe_ids(self, row: Row, previous: Row | None, t0: int) -> dict[str, int]:
        """Returns the ids of an action of the swipe view by feature, but for the elapsed time."""
        tap = row if row["action"] == "tap" else collections.defaultdict(lambda: None)
        swipe = row if row["action"] == "swipe" else collections.defaultdict(lambda: None)
        width, height = row["window_width"], row["window_height"]
        start, end = (swipe["start_x"], swipe["start_y"]), (swipe["end_x"], swipe["end_y"])
        gap = None if previous is None else row["timestamp_ms"] - previous["timestamp_ms"]
        return {
            "action": 2 + raw_records.SWIPE_ACTIONS.index(row["action"]),
            "page": self.name_id("swipe_page", row["page"]),
            "time_gap": formulas.stepped_id(gap, 100),
            "duration": formulas.stepped_id(swipe["duration_ms"], 25),
            "tap_x": formulas.position_id(tap["x"], width, 17),
            "tap_y": formulas.position_id(tap["y"], height, 25),
            "start_x": formulas.position_id(start[0], width, 17),
            "start_y": formulas.position_id(start[1], height, 25),
            "end_x": formulas.position_id(end[0], width, 17),
            "end_y": formulas.position_id(end[1], height, 25),
            "length_x": formulas.length_id(start[0], end[0], width, 34),
            "length_y": formulas.length_id(start[1], end[1], height, 50),
            "horizontal_direction": formulas.direction_id(start[0], end[0], growing=2, shrinking=3),
            "vertical_direction": formulas.direction_id(start[1], end[1], growing=3, shrinking=2),
        }

    def tap_ids(self, row: Row, previous: Row | None, t0: int) -> dict[str, int]:
        """Returns the ids of an action of the tap view by feature, but for the elapsed time."""
        is_button = row["event"] == "button"
        return {
            "event": 2 + schema.TAP_VIEW.feature("event").names.index(row["event"]),
            "page": self.name_id("tap_page", row["page"]),
            "button": self.name_id("tap_button", row["button"]) if is_button else formulas.NOT_APPLICABLE,
        }

    def browse_ids(self, row: Row, previous: Row | None, t0: int) -> dict[str, int]:
        """Returns the ids of an action of the browse view by feature, but for the elapsed time."""
        stay = row["stay_ms"]
        is_stay_known = stay is not None and row["timestamp_ms"] + stay <= t0
        return {
            "action": 2 + raw_records.BROWSE_ACTIONS.index(row["action"]),
            "leaf_category": self.name_id("browse_leaf_category", row["leaf_category"]),
            "top_category": self.name_id("browse_top_category", row["top_category"]),
            "page": self.name_id("browse_page", row["page"]),
            "page_stay": 2 + formulas.stay_bin(stay) if is_stay_known else formulas.NOT_APPLICABLE,
            "hour": 2 + self._days.hour(row["timestamp_ms"]),
        }
