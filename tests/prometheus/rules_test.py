#!/usr/bin/python3
"""Each alert of packaging/prometheus fires when it should, says what it should, and does not fire
when it should not: by `promtool test rules`, on series that are written here.

A series is `metric{labels}: values`, one value a minute, in promtool's notation: `0x10` is eleven
zeros, `0+6x10` rises by six, `_` is missing. Every series gets the labels of a target.
"""
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

RULES = Path(__file__).resolve().parents[2] / "packaging/prometheus/keel.rules.yml"
TARGET = {"job": "keel", "instance": "h1"}


class Case:
    def __init__(self, alert, fires, quiet, labels=None, value=""):
        self.alert = alert
        self.fires = fires  # (minute, series)
        self.quiet = quiet  # [(minute, series), …]
        self.labels = {"unit": "api"} if labels is None else labels
        self.value = value  # as the annotations show it


def up(values):
    return {"up": values}


def outage(opened, status="down", **more):
    return {"keel_outage_open{unit='api'}": opened,
            f"keel_unit_status{{unit='api',status='{status}'}}": "1x2000", **more}


def ladder(rung, last):
    return {"keel_ladder_rung{unit='api'}": f"{rung}x20",
            "keel_ladder_last_rung{unit='api'}": f"{last}x20"}


def instances(ready, up_is=1, held=0):
    return {"keel_unit_ready_instances{unit='api'}": f"{ready}x60",
            "keel_unit_wanted_instances{unit='api'}": "3x60",
            "keel_unit_up{unit='api'}": f"{up_is}x60", "keel_unit_held{unit='api'}": f"{held}x60"}


def verdicts(passes, unknowns):
    name = "keel_probe_verdicts_total{unit='api',probe='http',verdict='%s'}"
    return {name % "pass": f"0+{passes}x60", name % "unknown": f"0+{unknowns}x60"}


def turns(fast, slow):
    bucket = "keel_loop_lag_seconds_bucket{le='%s'}"
    return {bucket % "0.05": f"0+{fast}x60", bucket % "0.5": f"0+{fast + slow}x60",
            bucket % "+Inf": f"0+{fast + slow}x60"}


def seconds_down(values):
    return {"keel_outage_seconds_total{unit='api'}": values}


CASES = [
    Case("KeelUnitDown",
         fires=(12, outage("0x9 1x10")),
         quiet=[(10, outage("0x9 1x10")),  # for less than a minute
                (18, outage("0x9 1x2 0x10")),
                (18, outage("1x20", status="blocked"))]),
    Case("KeelUnitBlocked",
         fires=(12, outage("1x20", status="blocked")),
         quiet=[(9, outage("1x20", status="blocked")),
                (18, outage("0x20", status="blocked")),  # of a planned one
                (18, outage("1x20", status="down"))]),
    Case("KeelUnitGivenUp", labels={"unit": "api", "status": "failed"},
         fires=(3, {"keel_unit_status{unit='api',status='failed'}": "0x1 1x10"}),
         quiet=[(1, {"keel_unit_status{unit='api',status='failed'}": "0x1 1x10"})]),
    Case("KeelUnitDegraded", value="2",
         fires=(16, instances(2)),
         quiet=[(14, instances(2)), (20, instances(3)), (20, instances(1, up_is=0)),
                (20, instances(2, held=1))]),
    Case("KeelUnitFlapping", value="15",
         fires=(20, {"keel_restarts_total{unit='api',reason='exit'}": "0+1x30"}),
         quiet=[(20, {"keel_restarts_total{unit='api',reason='exit'}": "0x10 1x5 2x5 3x10"}),
                (20, {"keel_restarts_total{unit='api',reason='operator'}": "0+1x30"})]),
    Case("KeelUnitHeldTooLong",
         fires=(24 * 60 + 1, {"keel_unit_held{unit='api'}": "1x2000"}),
         quiet=[(23 * 60, {"keel_unit_held{unit='api'}": "1x2000"}),
                (24 * 60 + 1, {"keel_unit_held{unit='api'}": "1x700 0x1 1x1300"})]),
    Case("KeelLadderAtLastRung",
         fires=(2, ladder(3, 3)),
         quiet=[(0, ladder(3, 3)), (10, ladder(2, 3)), (10, ladder(0, 0))]),
    Case("KeelSpawnFails", labels={"unit": "api", "stage": "exec"},
         fires=(6, {"keel_spawn_failures_total{unit='api',stage='exec'}": "0x4 1x30"}),
         quiet=[(3, {"keel_spawn_failures_total{unit='api',stage='exec'}": "0x4 1x30"}),
                (30, {"keel_spawn_failures_total{unit='api',stage='exec'}": "0x4 1x30"})]),
    Case("KeelOomKills",
         fires=(6, {"keel_unit_oom_kills_total{unit='api'}": "0x4 1x30"}),
         quiet=[(3, {"keel_unit_oom_kills_total{unit='api'}": "0x4 1x30"})]),
    Case("KeelProbesUnknown", labels={"unit": "api", "probe": "http"},
         fires=(20, verdicts(5, 7)),
         quiet=[(4, verdicts(5, 7)), (20, verdicts(7, 5)), (20, verdicts(12, 0))]),
    Case("KeelLogsDropped",
         fires=(6, {"keel_log_dropped_bytes_total{unit='api'}": "0x4 100x30"}),
         quiet=[(3, {"keel_log_dropped_bytes_total{unit='api'}": "0x4 100x30"}),
                (20, {"keel_log_dropped_bytes_total{unit='api'}": "0x4 100x30"})]),
    # One second in sixty is 1.67 % of the time: beyond 14.4 times the budget, not beyond it for
    # long enough when it has just ended, or was short.
    Case("KeelErrorBudgetBurnsFast", value="1.667%",
         fires=(120, seconds_down("0+1x200")),
         quiet=[(120, seconds_down("0+0.1x200")),
                (120, seconds_down("0+1x90 90x100")),  # over for half an hour
                (120, seconds_down("0x117 0+2x3 6x100"))]),
    Case("KeelErrorBudgetBurnsSlowly", value="0.4167%",
         fires=(1500, seconds_down("0+0.25x2000")),
         quiet=[(1500, seconds_down("0+0.03x2000")),
                (4400, seconds_down("0+0.25x200 50x4500"))]),  # over for days
    Case("KeeldGone", labels={},
         fires=(6, up("1x4 0x20")),
         quiet=[(5, up("1x4 0x20")), (20, up("1x8 0x0 1x20"))]),
    Case("KeeldNowhere", labels={},
         fires=(12, {"up{job='other'}": "1x20"}),
         quiet=[(4, {"up{job='other'}": "1x20"}), (12, up("0x20"))]),
    Case("KeelEngineReplaced", labels={}, value="4",
         fires=(61, {"keel_engine_starts_total": "1x30 2x5 3x5 4x5 5x30"}),
         quiet=[(61, {"keel_engine_starts_total": "1x30 2x60"}),
                (61, {"keel_engine_starts_total": "7x100"})]),
    Case("KeelApplyReverted", labels={},
         fires=(3, {"keel_config_last_apply_success": "1x1 0x10"}),
         quiet=[(1, {"keel_config_last_apply_success": "1x1 0x10"})]),
    Case("KeelLoopLate", labels={}, value="477.5ms",
         fires=(25, turns(fast=80, slow=20)),
         quiet=[(9, turns(fast=80, slow=20)), (25, turns(fast=1000, slow=1))]),
    Case("KeelDefect", labels={},
         fires=(6, {"keel_invariant_failures_total": "0x4 1x30"}),
         quiet=[(3, {"keel_invariant_failures_total": "0x4 1x30"})]),
]


def with_target(series):
    """The series as a scrape of h1 would have it."""
    name, _, labels = series.partition("{")
    own = labels.rstrip("}")
    target = [f"{key}='{value}'" for key, value in TARGET.items() if f"{key}=" not in own]
    return f"{name}{{{','.join(filter(None, [own, *target]))}}}"


def rendered(template, labels, value):
    text = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], template)
    return re.sub(r"\{\{ \$value[^}]*\}\}", value, text)


def expectation(rule, case):
    # What is absent has no target either, only what was asked for.
    labels = {"job": "keel"} if case.alert == "KeeldNowhere" else {**TARGET, **case.labels}
    return {"exp_labels": {**rule["labels"], **labels},
            "exp_annotations": {key: rendered(text, labels, case.value)
                                for key, text in rule["annotations"].items()}}


def test_of(alert, minute, series, expected, title):
    return {"name": title, "interval": "1m",
            "input_series": [{"series": with_target(name), "values": values}
                             for name, values in series.items()],
            "alert_rule_test": [{"eval_time": f"{minute}m", "alertname": alert,
                                 "exp_alerts": expected}]}


def main():
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    rules = {rule["alert"]: rule for group in groups for rule in group["rules"]
             if "alert" in rule}
    cases = {case.alert for case in CASES}
    if cases != set(rules):
        sys.exit(f"rules_test: without a test, or without a rule: {cases ^ set(rules)}")
    tests = []
    for case in CASES:
        minute, series = case.fires
        expected = [expectation(rules[case.alert], case)]
        tests.append(test_of(case.alert, minute, series, expected, f"{case.alert} fires"))
        for number, (minute, series) in enumerate(case.quiet, 1):
            tests.append(test_of(case.alert, minute, series, [],
                                 f"{case.alert} does not fire ({number})"))
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        json.dump({"rule_files": [str(RULES)], "evaluation_interval": "30s", "tests": tests}, file)
        file.flush()
        done = subprocess.run(["promtool", "test", "rules", file.name], text=True, check=False,
                              capture_output=True)
    if done.returncode != 0:
        sys.exit(f"rules_test:\n{done.stdout}{done.stderr}")
    print(f"{len(rules)} alerts fire when they should; {len(tests) - len(rules)} times they do not")


if __name__ == "__main__":
    main()
