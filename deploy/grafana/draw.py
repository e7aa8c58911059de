#!/usr/bin/env python3
"""Draws every dashboard as a picture, from a live Prometheus and without Grafana.

Each panel runs its own query over the dashboard's own time, or the time of `--last`. A panel without data says so in
the picture and on stderr; one whose query fails makes the exit code 1. It needs nothing beyond Python 3.8.
"""

import argparse
import json
import pathlib
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from picture import Picture

HERE = pathlib.Path(__file__).parent
STEPS = 240  # points of a line


class Prometheus:
    """A Prometheus, and the time that is drawn."""

    def __init__(self, url, seconds):
        self.url = url.rstrip("/")
        self.seconds = seconds
        self.now = time.time()

    def filled(self, expression):
        """The expression with Grafana's variables as they are when nobody has chosen anything."""
        for name, value in (
            ("$__rate_interval", "1m"),
            ("$__range", f"{self.seconds}s"),
            ("$job", ".+"),
            ("$merchant", ".+"),
        ):
            expression = expression.replace(name, value)
        return expression

    def _get(self, path, **parameters):
        query = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=30) as answer:
                return json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as refused:
            raise ValueError(json.load(refused).get("error", "no reason given")) from refused

    def instant(self, expression):
        """Label sets with one value each."""
        rows = self._get("query", query=self.filled(expression), time=self.now)
        return [(row["metric"], float(row["value"][1])) for row in rows]

    def lines(self, expression):
        """Label sets with their points over time."""
        begin, step = self.now - self.seconds, max(self.seconds / STEPS, 1)
        rows = self._get("query_range", query=self.filled(expression), start=begin, end=self.now, step=step)
        return [(row["metric"], [(float(at), float(value)) for at, value in row["values"]]) for row in rows]


def legend(pattern, labels):
    """`{{bank}}` with the label of the series."""
    for name, value in labels.items():
        pattern = pattern.replace("{{" + name + "}}", value)
    return pattern or ", ".join(f"{name}={value}" for name, value in sorted(labels.items()))


def table(panel, prometheus):
    """The rows of a table panel: the queries joined by their labels, as its transformations do."""
    names = panel["transformations"][1]["options"]["renameByName"]
    columns, rows = [], {}
    for target in panel["targets"]:
        column = names[f"Value #{target['refId']}"]
        columns.append(column)
        for labels, value in prometheus.instant(target["expr"]):
            rows.setdefault(", ".join(labels.values()), {})[column] = value
    return columns, rows


def is_empty(value):
    return value != value  # NaN


def draw_panel(picture, panel, prometheus):
    """Draws one panel. Returns how it went: None, or a sentence."""
    unit = panel.get("fieldConfig", {}).get("defaults", {}).get("unit", "none")
    box = picture.panel(panel)
    if panel["type"] == "text":
        picture.text(box, panel["options"]["content"])
        return None
    if panel["type"] == "stat":
        found = prometheus.instant(panel["targets"][0]["expr"])
        values = [value for _, value in found if not is_empty(value)]
        if values:
            picture.stat(box, values[0], unit)
        return None if values else "no data"
    if panel["type"] == "table":
        columns, rows = table(panel, prometheus)
        picture.table(box, columns, rows)
        return None if rows else "no data"
    if panel["type"] == "timeseries":
        series = []
        for target in panel["targets"]:
            found = prometheus.lines(target["expr"])
            series += [(legend(target.get("legendFormat", ""), labels), points) for labels, points in found]
        stacked = panel["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"] == "normal"
        picture.lines(box, series, unit, stacked, (prometheus.now - prometheus.seconds, prometheus.now))
        return None if series else "no data"
    return f"a panel of type {panel['type']} cannot be drawn"


def draw(file, into, prometheus):
    """Draws one dashboard. Returns the panels that are empty and those that are broken."""
    board = json.loads(file.read_text(encoding="utf-8"))
    picture = Picture(board)
    empty, broken = [], []
    for panel in board["panels"]:
        if panel["type"] == "row":
            picture.row(panel)
            continue
        name = panel["title"] or panel["type"]
        try:
            how = draw_panel(picture, panel, prometheus)
        except (ValueError, KeyError, OSError) as error:
            how = f"broken: {error}"
            broken.append(f"{board['title']}: {name}: {error}")
        if how == "no data":
            empty.append(f"{board['title']}: {name}")
        if how:
            picture.note(panel, how)
    target = into / f"{file.stem}.svg"
    target.write_text(picture.svg(), encoding="utf-8")
    print(target)
    return empty, broken


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("prometheus", help="its URL, such as http://127.0.0.1:9091")
    arguments.add_argument("--last", type=int, default=3600, metavar="SECONDS", help="the time to draw (3600)")
    arguments.add_argument("--into", type=pathlib.Path, default=pathlib.Path("."), metavar="FOLDER")
    options = arguments.parse_args()
    options.into.mkdir(parents=True, exist_ok=True)
    prometheus = Prometheus(options.prometheus, options.last)
    empty, broken = [], []
    for file in sorted(HERE.glob("dashboards/*.json")):
        of_this = draw(file, options.into, prometheus)
        empty += of_this[0]
        broken += of_this[1]
    for name in empty:
        print(f"no data: {name}", file=sys.stderr)
    for name in broken:
        print(f"broken: {name}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
