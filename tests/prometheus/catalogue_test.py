#!/usr/bin/python3
"""The rules and the dashboard speak of nothing that keeld does not export: every metric, label and
value of a label is in docs/generated/metrics.md, which is written from the catalogue; and every
expression is one that Prometheus understands (`promtool check rules`).
"""
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

TOP = Path(__file__).resolve().parents[2]
RULES = TOP / "packaging/prometheus/keel.rules.yml"
SCRAPE = TOP / "packaging/prometheus/keel.scrape.yml"
DASHBOARD = TOP / "packaging/grafana/keel.json"
CATALOGUE = TOP / "docs/generated/metrics.md"

TARGET_LABELS = {"job", "instance"}
WORDS = {  # of PromQL, where a name could stand
    "and", "or", "unless", "on", "by", "ignoring", "without", "bool", "offset", "group_left",
    "sum", "count", "min", "max", "rate", "increase", "changes", "absent", "sort", "vector",
    "histogram_quantile"}
INTERVALS = {"$__rate_interval": "5m", "$__range": "1d", "$__interval": "1m"}


class Metrics:
    """What there is: {metric: labels}, and {label: values} where those are a closed set."""

    def __init__(self, catalogue):
        self.labels = {"up": set(TARGET_LABELS)}
        self.values = {}
        for name, kind, labels in re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \|", catalogue, re.M):
            own = set(re.findall(r"`(\w+)`", labels))
            if "instance" in own:  # Prometheus keeps `instance` for the host
                own = own - {"instance"} | {"exported_instance"}
            if kind == "histogram":
                for part in ("_bucket", "_sum", "_count"):
                    self.labels[name + part] = own | TARGET_LABELS | {"le"}
            else:
                self.labels[name] = own | TARGET_LABELS
        for label, values in re.findall(r"^- `(\w+)`[^:]*: (`.*)$", catalogue, re.M):
            self.values.setdefault(label, set()).update(re.findall(r"`([\w-]+)`", values))
        if len(self.labels) < 30 or "status" not in self.values:
            sys.exit(f"catalogue_test: cannot read {CATALOGUE}")


def selectors(expression):
    """[(metric, [(label, value), …]), …]"""
    found = []
    for name, matchers in re.findall(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}", expression):
        found.append((name, re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"', matchers)))
    return found


def names(expression):
    """All that could be the name of a metric."""
    bare = re.sub(r'\{[^}]*\}|"[^"]*"|\[[^\]]*\]', " ", expression)
    bare = re.sub(r"\b(?:by|on|ignoring|without|group_left)\s*\([^)]*\)", " ", bare)
    return [name for name in re.findall(r"[a-zA-Z_:][\w:]*", bare) if name not in WORDS]


def complaints(where, expression, shown_labels, metrics):
    """What is wrong with an expression, and with the labels that are shown of its result."""
    used, labels = [], set()
    for name in names(expression):
        if name not in metrics.labels:
            used.append(f"{where}: there is no metric {name}")
        labels |= metrics.labels.get(name, set())
    for name, matchers in selectors(expression):
        for label, value in matchers:
            if label not in metrics.labels.get(name, {label}):
                used.append(f"{where}: {name} has no label {label}")
            for one in value.split("|"):
                if label in metrics.values and one not in metrics.values[label] | {"$" + label}:
                    used.append(f"{where}: {label} is never {one}")
    grouped = re.findall(r"\b(by|on|ignoring|without|group_left)\s*\(([^)]*)\)", expression)
    asked = {label.strip() for _, group in grouped for label in group.split(",") if label.strip()}
    # What a sum leaves over is all that can be shown of it.
    sums = [group for word, group in grouped if word == "by"]
    left = {label.strip() for group in sums for label in group.split(",")} if sums else labels
    used += [f"{where}: no metric of it has the label {label}" for label in asked - labels]
    used += [f"{where}: shows {label}, which it has not" for label in shown_labels - left]
    return used


def of_rules(text, metrics):
    """[(where, expression, labels shown)]"""
    rules = [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    for rule in rules:
        if "record" in rule:
            metrics.labels[rule["record"]] = {"unit"} | TARGET_LABELS
    for rule in rules:
        shown = json.dumps(rule.get("annotations", {}))
        yield (rule.get("alert") or rule["record"], rule["expr"],
               set(re.findall(r"\$labels\.(\w+)", shown)))


def of_dashboard(text):
    board = json.loads(text)
    for note in board["annotations"]["list"]:
        shown = note["titleFormat"] + note["textFormat"]
        yield (f"annotation {note['name']}", note["expr"],
               set(re.findall(r"\{\{(\w+)\}\}", shown)) | set(note["tagKeys"].split(",")))
    for variable in board["templating"]["list"]:
        asked = re.fullmatch(r"label_values\((.*), (\w+)\)", variable.get("definition", ""))
        if asked:
            yield f"variable {variable['name']}", asked[1], {asked[2]}
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield (f"panel {panel['title']}", target["expr"],
                   set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])))


def misplaced(text):
    """Panels that lie over one another or beyond the page, and what Grafana needs to tell apart."""
    board = json.loads(text)
    taken, wrong = {}, []
    for panel in board["panels"]:
        place = panel["gridPos"]
        if place["x"] + place["w"] > 24:
            wrong.append(f"panel {panel['title']} is wider than the page")
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                if (x, y) in taken:
                    wrong.append(f"panel {panel['title']} lies over {taken[x, y]}")
                taken[x, y] = panel["title"]
        letters = [target["refId"] for target in panel.get("targets", [])]
        if len(set(letters)) < len(letters):
            wrong.append(f"panel {panel['title']} has two targets of one name")
    ids = [panel["id"] for panel in board["panels"]]
    if len(set(ids)) < len(ids):
        wrong.append("two panels have one id")
    titles = {panel["title"] for panel in board["panels"] if panel["type"] == "row"}
    if not {"Fleet", "Unit"} <= titles:
        wrong.append("a row is missing")
    return sorted(set(wrong))


def understood(expressions):
    """What promtool has to say against them."""
    rules = []
    for number, expression in enumerate(expressions):
        for variable, value in INTERVALS.items():
            expression = expression.replace(variable, value)
        rules.append({"record": f"test:{number}", "expr": expression})
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        json.dump({"groups": [{"name": "test", "rules": rules}]}, file)
        file.flush()
        done = subprocess.run(["promtool", "check", "rules", file.name], text=True, check=False,
                              capture_output=True)
    return [] if done.returncode == 0 else [done.stdout + done.stderr]


def check_itself(metrics):
    """The checks above find what they are there for."""
    for expression, shown in (("keel_unit_upp", set()), ('keel_unit_up{slot="1"}', set()),
                              ('keel_unit_status{status="dwon"}', set()),
                              ("sum by (cause) (keel_unit_up)", set()),
                              ("sum by (unit) (keel_unit_up)", {"instance"}),
                              ("keel_unit_up", {"cause"}),
                              ('keel_restarts_total{reason=~"exit|sginal"}', set())):
        if not complaints("itself", expression, shown, metrics):
            sys.exit(f"catalogue_test: does not see what is wrong with {expression} {shown}")


def main():
    metrics = Metrics(CATALOGUE.read_text(encoding="utf-8"))
    check_itself(metrics)
    dashboard = DASHBOARD.read_text(encoding="utf-8")
    queries = [*of_rules(RULES.read_text(encoding="utf-8"), metrics), *of_dashboard(dashboard)]
    wrong = misplaced(dashboard)
    for where, expression, shown in queries:
        wrong += complaints(where, expression, shown, metrics)
    wrong += understood([expression for _, expression, _ in queries])
    checked = subprocess.run(["promtool", "check", "config", SCRAPE], text=True, check=False,
                             capture_output=True)
    if checked.returncode != 0:
        wrong.append(checked.stdout + checked.stderr)
    if wrong:
        sys.exit("catalogue_test:\n" + "\n".join(wrong))
    print(f"{len(queries)} expressions speak of what keeld exports, and nothing else")


if __name__ == "__main__":
    main()
