"""A dashboard as an SVG picture: the grid of Grafana, with 24 columns."""

import html
import math
import time

COLUMN, ROW, GAP, HEAD = 60, 38, 8, 50
COLOURS = ["#3274d9", "#d9822b", "#37872d", "#c4162a", "#8f3bb8", "#0f8a8a", "#7a6a00", "#ad0317", "#5c6773", "#e02f8a"]
WIB = 7 * 3600


def short(value, unit):
    """A value as Grafana would write it."""
    if math.isnan(value):
        return "NaN"
    if unit == "percentunit":
        return f"{100 * value:.4g} %"
    if unit == "currencyIDR":
        return "Rp " + f"{value:,.0f}".replace(",", ".")
    if unit in ("s", "dtdurations"):
        for length, name in ((86400, "d"), (3600, "h"), (60, "min")):
            if abs(value) >= length:
                return f"{value / length:.3g} {name}"
        return f"{value:.3g} s"
    if unit in ("bytes", "decbytes"):
        return f"{value / 1e6:.4g} MB"
    return f"{value:,.0f}" if value == int(value) else f"{value:.3g}"


class Picture:
    """What has been drawn so far."""

    def __init__(self, board):
        rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
        self.width, self.height = 24 * COLUMN, HEAD + rows * ROW
        self.parts = []
        self._text(10, 32, board["title"], 22, weight="bold")

    def svg(self):
        """The whole picture."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
            f'viewBox="0 0 {self.width} {self.height}" font-family="sans-serif">'
            f'<rect width="{self.width}" height="{self.height}" fill="#f4f5f5"/>'
        )
        return head + "\n".join(self.parts) + "</svg>\n"

    def _text(self, x, y, text, size=12, fill="#222", weight="normal", anchor="start"):
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" font-weight="{weight}" '
            f'text-anchor="{anchor}">{html.escape(text)}</text>'
        )

    def _box(self, panel):
        grid = panel["gridPos"]
        return (
            grid["x"] * COLUMN + GAP / 2,
            HEAD + grid["y"] * ROW + GAP / 2,
            grid["w"] * COLUMN - GAP,
            grid["h"] * ROW - GAP,
        )

    def row(self, panel):
        """The heading of a row."""
        x, y, _, height = self._box(panel)
        self._text(x, y + height - 8, panel["title"], 15, weight="bold")

    def panel(self, panel):
        """The frame and the title. Returns what is free inside."""
        x, y, width, height = self._box(panel)
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="#fff" stroke="#ccc" rx="3"/>')
        if panel["title"]:
            self._text(x + 8, y + 18, panel["title"], 12, weight="bold")
        return x + 8, y + 26, width - 16, height - 32

    def note(self, panel, how):
        """Says in the panel what is wrong with it."""
        x, y, width, height = self._box(panel)
        self._text(x + width / 2, y + height / 2 + 8, how[:80], 14, fill="#c4162a", anchor="middle")

    def text(self, box, content):
        """Prose, as many words to a line as fit."""
        x, y, width, _ = box
        line, down = "", y - 8
        for word in content.split():
            if len(line) + len(word) > width / 6.2:
                self._text(x, down, line)
                line, down = "", down + 16
            line += word + " "
        self._text(x, down, line)

    def stat(self, box, value, unit):
        """One figure."""
        x, y, width, height = box
        shown = short(value, unit)
        size = min(30, 1.7 * width / max(len(shown), 1))
        self._text(x + width / 2, y + height / 2 + size / 3, shown, size, anchor="middle")

    def table(self, box, columns, rows):
        """One row for each label."""
        x, y, width, height = box
        each = width / (len(columns) + 1)
        for number, column in enumerate(columns, 2):
            self._text(x + number * each - 4, y + 12, column, 12, weight="bold", anchor="end")
        for place, (name, values) in enumerate(sorted(rows.items())):
            down = y + 32 + 18 * place
            if down > y + height:
                self._text(x, y + height + 2, f"… {len(rows) - place} more")
                break
            self._text(x, down, name)
            for number, column in enumerate(columns, 2):
                unit = "currencyIDR" if "Rp" in column else "none"
                shown = short(values[column], unit) if column in values else "-"
                self._text(x + number * each - 4, down, shown, anchor="end")

    def lines(self, box, series, unit, stacked, times):
        """Lines over time, on top of each other if they are stacked."""
        x, y, width, height = box
        x, width, height = x + 96, width - 104, height - 34
        shown = _stacked(series) if stacked else series
        values = [value for _, points in shown for _, value in points if math.isfinite(value)]
        if not values:
            return
        low, high = min(0, *values), max(values)
        high = high if high > low else low + 1
        across = lambda at: x + (at - times[0]) / (times[1] - times[0]) * width
        up = lambda value: y + height - (value - low) / (high - low) * height
        for part in range(5):
            value = low + (high - low) * part / 4
            self.parts.append(f'<line x1="{x}" x2="{x + width}" y1="{up(value)}" y2="{up(value)}" stroke="#e4e4e4"/>')
            self._text(x - 6, up(value) + 4, short(value, unit), 10, "#666", anchor="end")
            at = times[0] + (times[1] - times[0]) * part / 4
            clock = time.strftime("%H:%M", time.gmtime(at + WIB))
            self._text(across(at), y + height + 13, clock, 10, "#666", anchor="middle")
        beside = x - 90
        for number, (name, points) in enumerate(shown):
            colour = COLOURS[number % len(COLOURS)]
            for stretch in _stretches(points):
                path = " ".join(f"{across(at):.1f},{up(value):.1f}" for at, value in stretch)
                self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
            latest = series[number][1][-1][1]
            label = f"{name}: {short(latest, unit)}"
            if beside + 6.2 * len(label) < x + width:
                self._text(beside, y + height + 29, label, 11, colour, weight="bold")
            beside += 6.2 * len(label) + 16


def _stacked(series):
    """The series as sums of themselves and those before."""
    total, shown = {}, []
    for name, points in series:
        points = [(at, value) for at, value in points if math.isfinite(value)]
        for at, value in points:
            total[at] = total.get(at, 0) + value
        shown.append((name, [(at, total[at]) for at, _ in points]))
    return shown


def _stretches(points):
    """The parts of a line without gaps: a point that is not a number, or none for longer than between the others."""
    apart = min((later[0] - at for (at, _), later in zip(points, points[1:])), default=0)
    stretch = []
    for at, value in points:
        if stretch and (not math.isfinite(value) or at - stretch[-1][0] > 1.5 * apart):
            yield stretch
            stretch = []
        if math.isfinite(value):
            stretch.append((at, value))
    if stretch:
        yield stretch
