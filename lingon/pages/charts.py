"""Charts as SVG text for report pages: lines and bars, light or dark as the reader's screen is.

Own code instead of matplotlib, so that a plain install can draw reports; see docs/decisions/005-charts.md.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape

COLOURS = ("#2563eb", "#d97706", "#059669", "#dc2626", "#7c3aed", "#0891b2", "#be185d", "#65a30d")
WIDTH, HEIGHT = 400, 240  # about the width of a third of a page, or of a phone: so font sizes are not scaled
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 40, 44

LEGEND_ROW = 18  # pixels; the legend is below the chart, where it covers no line
LEGEND_LETTERS = 50  # of a name, to fit into the width
EVERYWHERE = (-math.inf, math.inf)

Points = Sequence[tuple[float, float]]


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round numbers that cover a range, about `about` of them. For a single number the range starts at zero.

    >>> ticks(0, 1)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    >>> ticks(30, 30)
    [0, 5, 10, 15, 20, 25, 30]
    """
    if not high > low:
        low, high = min(0.0, low), max(0.0, high) or float(low == 0)
    rough = (high - low) / about
    power = 10 ** math.floor(math.log10(rough))
    step = min((m * power for m in (1, 2, 5, 10)), key=lambda s: abs(s - rough))
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def line_chart(
    series: Mapping[str, Points], title: str, x_name: str, y_name: str, limits: tuple[float, float] = EVERYWHERE
) -> str:
    """Return an SVG of one line per series. Points that are not finite are left out; an empty chart says so.

    x begins at 0, the start of training. limits: the smallest and largest possible value of y; the axis does not extend
    beyond them.
    """
    series = {n: [(x, y) for x, y in p if math.isfinite(x) and math.isfinite(y)] for n, p in series.items()}
    series = {n: p for n, p in series.items() if p}
    if not series:
        return _frame(title, '<text x="50%" y="50%" text-anchor="middle">nothing was recorded</text>')
    xs, ys = zip(*[point for points in series.values() for point in points], strict=True)
    x_ticks, y_ticks = ticks(min(0, *xs), max(xs)), _within(limits, ticks(min(ys), max(ys)))
    x_of, y_of = _scales(x_ticks, y_ticks)
    body = [_axes(x_ticks, y_ticks, x_of, y_of, x_name, y_name)]
    for i, (name, points) in enumerate(series.items()):
        colour = COLOURS[i % len(COLOURS)]
        path = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in points)
        body.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>')
        if len(points) <= 30:
            marks = (
                f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="3">{_tip(name, x, y)}</circle>' for x, y in points
            )
            body.append(f'<g fill="{colour}">{"".join(marks)}</g>')
    names = list(series) if len(series) > 1 else []
    return _frame(title, "".join(body) + _legend(names), below=LEGEND_ROW * len(names))


def scatter_chart(points: Points, title: str, x_name: str, y_name: str) -> str:
    """Return an SVG of points, with the same range on both axes and the diagonal of equal coordinates."""
    points = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    if not points:
        return _frame(title, '<text x="50%" y="50%" text-anchor="middle">nothing was recorded</text>')
    values = [value for point in points for value in point]
    both = ticks(min(values), max(values))
    x_of, y_of = _scales(both, both)
    ends = f'x1="{x_of(both[0]):.1f}" y1="{y_of(both[0]):.1f}" x2="{x_of(both[-1]):.1f}" y2="{y_of(both[-1]):.1f}"'
    marks = (f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="2.5"/>' for x, y in points)
    body = [_axes(both, both, x_of, y_of, x_name, y_name), f'<line {ends} stroke="#888" stroke-dasharray="4"/>']
    body.append(f'<g fill="{COLOURS[0]}" opacity=".5">{"".join(marks)}</g>')
    return _frame(title, "".join(body))


def _within(limits: tuple[float, float], found: list[float]) -> list[float]:
    """Return the ticks inside the limits, or all if fewer than two are."""
    inside = [tick for tick in found if limits[0] <= tick <= limits[1]]
    return inside if len(inside) > 1 else found


def bar_chart(bars: Sequence[tuple[str, float]], title: str, x_name: str, y_name: str, line: Points = ()) -> str:
    """Return an SVG of bars from zero, one per (name, height); `line` is drawn over them, x counted in bars from 0."""
    highest = max([h for _, h in bars] + [y for _, y in line] + [1e-9])
    y_ticks = ticks(0, highest)
    x_of, y_of = _scales([0, max(len(bars), 1)], y_ticks)
    body = [_axes([], y_ticks, x_of, y_of, x_name, y_name)]
    every = max(1, len(bars) // 8)
    for i, (name, height) in enumerate(bars):
        left, right = x_of(i + 0.08), x_of(i + 0.92)
        body.append(
            f'<rect x="{left:.1f}" y="{y_of(height):.1f}" width="{right - left:.1f}" '
            f'height="{max(0, y_of(0) - y_of(height)):.1f}" fill="{COLOURS[0]}" opacity=".8">'
            f"<title>{escape(name)}: {height:.4g}</title></rect>"
        )
        if i % every == 0:
            place = f'x="{(left + right) / 2:.1f}" y="{HEIGHT - BOTTOM + 16}"'
            body.append(f'<text {place} text-anchor="middle">{escape(name)}</text>')
    if line:
        path = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in line)
        body.append(
            f'<polyline fill="none" stroke="{COLOURS[1]}" stroke-dasharray="5 4" stroke-width="2" points="{path}"/>'
        )
    return _frame(title, "".join(body))


def _scales(x_ticks: Sequence[float], y_ticks: Sequence[float]):
    (x0, x1), (y0, y1) = (x_ticks[0], x_ticks[-1]), (y_ticks[0], y_ticks[-1])
    return (
        lambda x: LEFT + (x - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT),
        lambda y: HEIGHT - BOTTOM - (y - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM),
    )


def _axes(x_ticks, y_ticks, x_of, y_of, x_name: str, y_name: str) -> str:
    grid = "".join(
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y_of(y):.1f}" y2="{y_of(y):.1f}" class="grid"/>'
        f'<text x="{LEFT - 6}" y="{y_of(y) + 4:.1f}" text-anchor="end">{y:g}</text>'
        for y in y_ticks
    )
    below = "".join(
        f'<text x="{x_of(x):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{x:g}</text>' for x in x_ticks
    )
    names = (
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_name)}</text>'
        f'<text x="4" y="{TOP - 12}">{escape(y_name)}</text>'
    )
    return grid + below + names


def _legend(names: list[str]) -> str:
    rows = (
        f'<rect x="{LEFT}" y="{HEIGHT + LEGEND_ROW * i}" width="10" height="10" fill="{COLOURS[i % len(COLOURS)]}"/>'
        f'<text x="{LEFT + 15}" y="{HEIGHT + LEGEND_ROW * i + 9}">{escape(name[:LEGEND_LETTERS])}</text>'
        for i, name in enumerate(names)
    )
    return "".join(rows)


def _tip(name: str, x: float, y: float) -> str:
    return f"<title>{escape(name)}: {y:.4g} at {x:g}</title>"


def _frame(title: str, body: str, below: int = 0) -> str:
    # Style names are specific to charts: in a page, all pictures share one style sheet.
    style = (
        ".chart text{fill:#7b7b7b;font:12px system-ui,sans-serif}"
        ".chart .title{font-weight:600;font-size:14px}.chart .grid{stroke:#8884}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {WIDTH} {HEIGHT + below}" role="img" '
        f'aria-label="{escape(title)}"><style>{style}</style>'
        f'<text class="title" x="{WIDTH / 2}" y="16" text-anchor="middle">{escape(title)}</text>{body}</svg>'
    )
