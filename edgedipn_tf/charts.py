"""Charts as inline SVG: scales, axes and marks. Colours are variables of the page's style, for light and dark."""

import dataclasses
import html
import math
from collections.abc import Iterable, Sequence

WIDTH = 920
MARGIN_RIGHT = 24


@dataclasses.dataclass(frozen=True)
class Scale:
    """Values to pixels, linear or logarithmic.

    Raises:
        ValueError: when the range is empty, or not above 0 for a logarithm.
    """

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.is_log and self.low <= 0):
            raise ValueError(f"no range: {self.low} to {self.high}")

    def __call__(self, value: float) -> float:
        """Returns the pixel of a value; what lies outside is put at the edge."""
        value = min(max(value, self.low), self.high)
        low, high, at = (math.log(x) if self.is_log else x for x in (self.low, self.high, value))
        return round(self.start + (at - low) / (high - low) * (self.end - self.start), 2)

    def ticks(self) -> list[float]:
        """Returns round values within the range: 1, 2, 5 times powers of ten, at most nine."""
        if self.is_log:
            exponents = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            found = [digit * 10.0**exponent for exponent in exponents for digit in (1, 2, 5)]
            inside = [value for value in found if self.low <= value <= self.high]
            return inside if len(inside) <= 9 else [value for value in inside if f"{value:e}".startswith("1.")]
        rough = (self.high - self.low) / 6
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(digit * power for digit in (1, 2, 5, 10) if digit * power >= rough)
        first = math.ceil(self.low / step)
        return [place * step for place in range(first, math.floor(self.high / step + 1e-9) + 1)]


def tag(name: str, content: str = "", **attributes: object) -> str:
    """Returns an element; names of attributes are written with `_` for `-`, and `class_` for `class`."""
    words = [f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"' for key, value in attributes.items()]
    return f"<{name}{''.join(words)}>{content}</{name}>"


def text(x: float, y: float, words: str, class_: str = "tick", anchor: str = "start") -> str:
    """Returns a text at a place."""
    return tag("text", html.escape(words), x=x, y=y, class_=class_, text_anchor=anchor)


def titled(mark: str, words: str) -> str:
    """Returns a mark that says something when pointed at."""
    return tag("g", tag("title", html.escape(words)) + mark)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> str:
    """Returns a straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def path(points: Sequence[tuple[float, float]], class_: str) -> str:
    """Returns a line through points."""
    return tag("path", d="M" + "L".join(f"{x},{y}" for x, y in points), class_=class_)


def rectangle(left: float, top: float, right: float, bottom: float, class_: str) -> str:
    """Returns a rectangle between two corners."""
    return tag("rect", x=left, y=top, width=round(right - left, 2), height=round(bottom - top, 2), class_=class_)


def figure(height: float, label: str, marks: Iterable[str]) -> str:
    """Returns a chart; `label` is what a screen reader says of it."""
    return tag("svg", "".join(marks), viewBox=f"0 0 {WIDTH} {height:g}", role="img", aria_label=label)


def x_axis(scale: Scale, top: float, bottom: float, unit: str, ticks: Sequence[float] | None = None) -> list[str]:
    """Returns grid lines with their values below; a tick is a line down to the axis."""
    marks = []
    for value in scale.ticks() if ticks is None else ticks:
        marks.append(line(scale(value), top, scale(value), bottom, "grid"))
        marks.append(text(scale(value), bottom + 16, f"{value:g}", anchor="middle"))
    marks.append(text(scale.end, bottom + 32, unit, anchor="end"))
    return marks


def y_axis(scale: Scale, left: float, right: float, unit: str) -> list[str]:
    """Returns grid lines with their values on the left."""
    marks = [text(left - 8, scale.end - 10, unit, anchor="end")]
    for value in scale.ticks():
        marks.append(line(left, scale(value), right, scale(value), "grid"))
        marks.append(text(left - 8, scale(value) + 4, f"{value:g}", anchor="end"))
    return marks


def point(left: float, top: float, class_: str, words: str) -> str:
    """Returns a small circle with a title."""
    return titled(tag("circle", cx=left, cy=top, r=5, class_=class_), words)


def legend(entries: Sequence[tuple[str, str]], y: float) -> list[str]:
    """Returns swatches with their meaning, one a line: what a series' class looks like, and its name.

    Classes that end in `-point` are of circles, all others of lines.
    """
    marks = []
    for place, (class_, words) in enumerate(entries):
        at = y + 18 * place
        swatch = point(19, at - 4, class_, words) if class_.endswith("-point") else line(8, at - 4, 30, at - 4, class_)
        marks += [swatch, text(38, at, words, "label")]
    return marks
