"""Two plots as SVG, by plain arithmetic: pure functions, coloured by style.css through `data-kind`.

Each has a title and a description that says in words what it shows. Numbers are a stranger's: they
are held within the frame, names are escaped and cut.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 340  # units, about pixels on a phone: letters there keep their size
LETTERS = 22  # of a name
ROW, TOP, LEFT, RIGHT = 34, 8, 12, 12
SQUARE, MARGIN, LABELS = 190, 32, 134  # the scatter's frame, its left, and its labels' width
HEADING = 22  # above the scatter's frame
LINE = 15  # between two labels
LOWEST, HIGHEST = 1e-4, 1e6  # of a logarithmic axis


@dataclass(frozen=True)
class Value:
    """A number and its interval of 95 %, where there is one."""

    value: float
    interval: tuple[float, float] | None = None

    @property
    def ends(self) -> tuple[float, float]:
        """The interval, lower end first, around the value whatever a record says."""
        low, high = self.interval or (self.value, self.value)
        return min(low, high, self.value), max(low, high, self.value)

    def text(self, digits: int = 3) -> str:
        value, low, high = (short(number, digits) for number in (self.value, *self.ends))
        return value if self.interval is None else f"{value} ({low} to {high})"


@dataclass(frozen=True)
class Dot:
    """What is plotted of a model: `x` alone, or `x` and `y`."""

    name: str
    kind: str
    x: Value
    y: Value | None = None


def short(value: float, digits: int) -> str:
    """A number with so many digits behind the point; in powers of ten where it would be long."""
    return f"{value:.{digits}f}" if abs(value) < 1e7 else f"{value:.2e}"


def whiskers(title: str, dots: Sequence[Dot], identity: str) -> str:
    """A row a model on a logarithmic axis: its value as a dot, its interval as a line, the smaller
    the further left. `identity` must be the page's only one of its kind."""
    low, high = _decades(dots)
    height = TOP + ROW * len(dots)

    def place(value: float) -> float:
        share = (math.log10(_held(value)) - low) / (high - low)
        return LEFT + min(1.0, max(0.0, share)) * (WIDTH - LEFT - RIGHT)

    parts = []
    for power in range(low, high + 1):
        x = place(10.0**power)
        parts.append(_line("grid", x, TOP, x, height))
        anchor = {low: "start", high: "end"}.get(power, "middle")
        parts.append(_text("tick", x, height + 16, f"{10.0**power:g}", anchor))
    for index, dot in enumerate(dots):
        y = TOP + ROW * index + 24
        start, end = (place(value) for value in dot.x.ends)
        right = place(dot.x.value) > WIDTH / 2  # the name stands above, within the frame
        name = _text(
            "name", place(dot.x.value) + (8 if right else -8), y - 11, _cut(dot.name),
            "end" if right else "start",
        )
        parts.append(_group(dot, f"{_line('interval', start, y, end, y)}"
                                 f"{_circle(place(dot.x.value), y)}{name}"))
    told = [f"{_cut(dot.name)}: {dot.x.text()}." for dot in dots]
    return _svg(title, told, identity, WIDTH, height + 22, parts)


def scatter(title: str, across: str, up: str, dots: Sequence[Dot], identity: str) -> str:
    """Models by two shares in 0..1, with the intervals of both; names beside the frame, each with
    a line to its dot."""
    bottom, right = HEADING + SQUARE, MARGIN + SQUARE
    shown = [dot for dot in dots if dot.y is not None]

    def place(x: float, y: float) -> tuple[float, float]:
        return MARGIN + SQUARE * min(1.0, max(0.0, x)), bottom - SQUARE * min(1.0, max(0.0, y))

    parts = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        x, y = place(tick, tick)
        parts += [_line("grid", x, HEADING, x, bottom), _line("grid", MARGIN, y, right, y)]
        parts += [_text("tick", x, bottom + 16, f"{tick:g}", "middle"),
                  _text("tick", MARGIN - 5, y + 4, f"{tick:g}", "end")]
    parts += [_text("axis", right, bottom + 34, f"{across} →", "end"),
              _text("axis", MARGIN, HEADING - 9, f"{up} ↑", "start")]
    centres = [place(dot.x.value, dot.y.value) for dot in shown if dot.y is not None]
    heights = apart([y for _, y in centres], LINE, HEADING + 4, bottom)
    for dot, (x, y), level in zip(shown, centres, heights, strict=True):
        assert dot.y is not None
        (left, _), (end, _) = (place(value, 0) for value in dot.x.ends)
        (_, low), (_, high) = (place(0, value) for value in dot.y.ends)
        label = _text("name", right + 12, level + 4, _cut(dot.name), "start")
        parts.append(_group(dot, "".join([
            _line("leader", x, y, right + 9, level), _line("interval", left, y, end, y),
            _line("interval", x, low, x, high), _circle(x, y), label,
        ])))
    told = [
        f"{_cut(dot.name)}: {across} {dot.x.text()}, {up} {dot.y.text()}."
        for dot in shown if dot.y is not None
    ]
    return _svg(title, told, identity, right + LABELS, bottom + 42, parts)


def apart(levels: Sequence[float], gap: float, top: float, bottom: float) -> list[float]:
    """Levels moved as little as it takes, in their order, to lie `gap` apart from `top` on; above
    `bottom` where there is room."""
    order = sorted(range(len(levels)), key=lambda i: levels[i])
    found = [0.0] * len(levels)
    least = top
    for i in order:
        found[i] = max(levels[i], least)
        least = found[i] + gap
    most = bottom
    for i in reversed(order):
        found[i] = max(top, min(found[i], most))
        most = found[i] - gap
    return found


def _decades(dots: Sequence[Dot]) -> tuple[int, int]:
    """The powers of ten around all values and intervals that are above 0."""
    ends = [_held(end) for dot in dots for end in (dot.x.value, *dot.x.ends) if end > 0] or [1.0]
    low = math.floor(math.log10(min(ends)))
    return low, max(math.ceil(math.log10(max(ends))), low + 1)


def _held(value: float) -> float:
    return min(HIGHEST, max(LOWEST, value))


def _cut(name: str) -> str:
    return name if len(name) <= LETTERS else name[: LETTERS - 1] + "…"


def _svg(
    title: str, told: Sequence[str], identity: str, width: float, height: float,
    parts: Sequence[str],
) -> str:
    return (
        f'<svg class="plot" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-labelledby="{identity}-title {identity}-told">'
        f'<title id="{identity}-title">{escape(title)}</title>'
        f'<desc id="{identity}-told">{escape(" ".join(told))}</desc>{"".join(parts)}</svg>'
    )


def _group(dot: Dot, content: str) -> str:
    return f'<g data-kind="{escape(dot.kind)}">{content}</g>'


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _circle(x: float, y: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'


def _text(kind: str, x: float, y: float, words: str, anchor: str) -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )
