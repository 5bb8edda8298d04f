"""Gestures of one finger in H-MOG's touch events: where each began and ended, and when.

A gesture goes from the first finger's DOWN to the next UP. With a second finger between them it is none of ours;
without an UP, as at the end of a recording, nobody knows how it ended. Both are left out and counted.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

DOWN, UP = 0, 1
"""Actions of Android's MotionEvent; 2 is a move, 5 and 6 are those of further fingers."""
MIN_SWIPE_PIXELS = 30.0
"""Shorter gestures are taps: 1.7 mm on the screen of the study's phone (441 pixels an inch)."""


@dataclasses.dataclass(frozen=True)
class Touches:
    """Touch events in the order of the file, arrays of one length.

    Attributes:
        time_ms: when it was logged, ms since the epoch.
        uptime_ms: when it happened, ms since the phone was started.
        num_fingers: fingers on the screen.
        action: `DOWN`, `UP` or another one.
        x, y: place in pixels.
    """

    time_ms: IntArray
    uptime_ms: IntArray
    num_fingers: IntArray
    action: IntArray
    x: NDArray[np.float64]
    y: NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Gestures:
    """Gestures of one finger.

    Attributes:
        first, last: positions of their DOWN and UP among the touch events, [N].
        num_with_more_fingers, num_incomplete: gestures left out.
    """

    first: IntArray
    last: IntArray
    num_with_more_fingers: int
    num_incomplete: int


def find_gestures(touches: Touches) -> Gestures:
    """Finds the gestures of one finger; events before the first DOWN are an incomplete one."""
    first = np.flatnonzero(touches.action == DOWN)
    size = len(touches.action)
    has_headless = int(size > 0 and (not len(first) or first[0] > 0))
    if not len(first):
        return Gestures(first, first, 0, has_headless)
    ups = np.append(np.flatnonzero(touches.action == UP), size)
    last = ups[np.searchsorted(ups, first)]
    is_complete = last < np.append(first[1:], size)
    has_one_finger = np.maximum.reduceat(touches.num_fingers, first) <= 1
    is_good = is_complete & has_one_finger
    num_incomplete = int((~is_complete & has_one_finger).sum()) + has_headless
    return Gestures(first[is_good], last[is_good], int((~has_one_finger).sum()), num_incomplete)


def is_swipe(touches: Touches, gestures: Gestures) -> NDArray[np.bool_]:
    """Returns which gestures ended so far from where they began that they are swipes, [N]."""
    x, y = (values[gestures.last] - values[gestures.first] for values in (touches.x, touches.y))
    distance: NDArray[np.float64] = np.hypot(x, y)
    return distance >= MIN_SWIPE_PIXELS
