#!/usr/bin/python3
"""A real Prometheus scrapes keeld through outages that this test makes, and through the ends of its
engine and of its keeper at bad moments. What Prometheus counted in the end is what `keel outages`
and the ledger say, and that is what was done.

    prometheus_test.py --bin build/release/bin --outages 200 --kills 3 --keeper-kills 1
"""
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

from harness import Failed, Keel, alive, check, free_ports, read_options, run_as_test, until

UNITS = [f"unit-{number}" for number in range(1, 6)]
RULES = Path(__file__).resolve().parents[2] / "packaging/prometheus/keel.rules.yml"
# How much longer or shorter an outage may seem to Keel than to the test, which sees the same
# moments through files that a shell writes. While there is no engine, nobody sees anything.
SLACK = 0.06
# And how much longer one that began while Keel was away: Keel says how it saw the unit last, and
# writes down every so often that it is there.
SEEN_EVERY = 15

# Ready as soon as nothing keeps it: while the file `down` is there, it is not.
SERVICE = """#!/bin/sh
until [ ! -e "$1/down" ]; do sleep 0.02; done
date +%s.%N >"$1/ready.new"; mv "$1/ready.new" "$1/ready"
echo >&3
exec sleep 100000
"""


class Prometheus:
    """Scrapes one keeld every second, with the rules that Keel ships."""

    def __init__(self, folder, target):
        self.port = free_ports(1)[0]
        folder.mkdir()
        (folder / "prometheus.yml").write_text(f"""
global: {{ scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }}
rule_files: ["{RULES}"]
scrape_configs:
  - job_name: keel
    static_configs: [{{ targets: ["127.0.0.1:{target}"] }}]
""")
        self.log = (folder / "log").open("wb")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml",
             f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{self.port}"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        until("Prometheus scrapes keeld", lambda: self.values("up == 1", "job").get("keel"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()

    def ask(self, path, **query):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as reply:
                return json.load(reply)["data"]
        except OSError:
            return None

    def values(self, expression, label="unit"):
        """{value of the label: number} of an instant query."""
        data = self.ask("query", query=expression)
        return {row["metric"].get(label): float(row["value"][1]) for row in data["result"]} \
            if data else {}

    def samples(self, expression):
        """{unit: [number, …]} of all that was scraped of a series."""
        data = self.ask("query", query=f"{expression}[1d]")
        return {row["metric"]["unit"]: [float(value) for _, value in row["values"]]
                for row in data["result"]}

    def await_scrape_after(self, moment):
        until("Prometheus scrapes once more",
              lambda: self.values("timestamp(keel_unit_up)").get(UNITS[0], 0) > moment)


class Outages:
    """Makes outages of one unit, one after the other, and keeps what it did."""

    def __init__(self, keel, unit, count, chance):
        self.keel, self.unit, self.count, self.chance = keel, unit, count, chance
        self.folder = keel.root / unit
        self.folder.mkdir()
        self.lengths = []
        self.thread = threading.Thread(target=self.run)
        self.failure = None

    def run(self):
        try:
            for _ in range(self.count):
                self.lengths.append(self.one())
        except Exception as failure:  # told by whoever joins
            self.failure = failure

    def one(self):
        pid = until(f"{self.unit} is at rest", self.pid_at_rest)
        down = self.folder / "down"
        down.touch()
        (self.folder / "ready").unlink()
        began = time.time()
        os.kill(pid, signal.SIGKILL)
        # How long it is down is the test's choice; nothing is waited for.
        threading.Event().wait(self.chance.uniform(0.05, 0.8))
        down.unlink()
        until(f"{self.unit} is ready again", (self.folder / "ready").exists)
        return float((self.folder / "ready").read_text()) - began

    def pid_at_rest(self):
        """Its process, once it is up and no outage of it is open any more."""
        try:
            unit = self.keel.status()[self.unit]
        except (Failed, KeyError):
            return None  # the engine is being replaced
        at_rest = unit["status"] == "up" and not unit["outage"]
        return unit["instances"][0]["pid"] if at_rest else None


def write_units(keel):
    service = keel.root / "service"
    service.write_text(SERVICE)
    service.chmod(0o755)
    for unit in UNITS:
        keel.write_unit(unit, f"""
command = ["{service}", "{keel.root}/{unit}"]
ready = "fd:3"
[start]
timeout = "10m"
[restart]
delay = "1ms"
delay_max = "1ms"
[escalation]
failures = 0
[outage]
settle = "100ms"
""")


def told(keel):
    """{unit: [seconds of each outage that closed]} as keel tells it."""
    records = json.loads(keel.run("outages", "--json", "-n", "10000").stdout)["outages"]
    found = {unit: [] for unit in UNITS}
    for record in records:
        if record["kind"] == "gap":
            continue
        if record["kind"] != "outage" or record["planned"] or record["closed"] is None:
            raise Failed(f"this is no outage that was made: {record}")
        found[record["unit"]].append(record)
    return found


def in_ledger(keel):
    """{unit: (how many, seconds)} as anybody reads it with SQLite."""
    path = keel.root / "var/lib/keel/ledger.db"
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    try:
        return {unit: (count, total) for unit, count, total in database.execute(
            "SELECT unit, count(*), sum(seconds) FROM outages WHERE kind = 'outage' "
            "AND closed IS NOT NULL GROUP BY unit")}
    finally:
        database.close()


def kill_keeper(keel):
    """And its engine ends with it; the units live on until keeld is started again."""
    engine = keel.engine_pid()
    keel.keeld.send_signal(signal.SIGKILL)
    keel.keeld.wait()
    until("the engine ends with its keeper", lambda: not alive(engine))
    keel.start()


def induce(keel, made, kills, keeper_kills, chance):
    for one in made:
        one.thread.start()
    total = sum(one.count for one in made)
    absence = 0.0
    ends = [keel.kill_engine] * kills + [lambda: kill_keeper(keel)] * keeper_kills
    for number, end in enumerate(ends):
        due = total * (number + 1) // (len(ends) + 1)
        until("enough outages are over",
              lambda due=due: sum(len(one.lengths) for one in made) >= due, patience=600)
        threading.Event().wait(chance.uniform(0, 0.3))  # at no moment in particular
        killed = time.monotonic()
        end()
        absence += time.monotonic() - killed
        print(f"  {'the engine' if number < kills else 'keeld'} was killed after {due} outages",
              flush=True)
    for one in made:
        one.thread.join()
        if one.failure:
            raise one.failure
    for one in made:
        until(f"the last outage of {one.unit} is over", one.pid_at_rest)
    return absence


def compare(keel, prometheus, made, starts, absence):
    prometheus.await_scrape_after(time.time() + 1)  # the page is up to a second old
    records = told(keel)
    until("the ledger has them all",
          lambda: all(in_ledger(keel).get(unit, (0, 0))[0] == len(records[unit])
                      for unit in UNITS))
    counts = prometheus.values("sum by (unit) (keel_outages_total)")
    seconds = prometheus.values("keel_outage_seconds_total")
    for one in made:
        mine, keels = one.lengths, [record["seconds"] for record in records[one.unit]]
        unseen = sum(record["begin_unseen"] for record in records[one.unit])
        check(len(mine) == len(keels) == counts[one.unit],
              f"{one.unit}: {len(mine)} outages were made, {len(keels)} recorded, "
              f"{counts[one.unit]:.0f} counted by Prometheus")
        off = abs(seconds[one.unit] - sum(keels))
        check(off < 0.001 * len(keels) + 0.001,
              f"  {seconds[one.unit]:.3f} s in Prometheus, {sum(keels):.3f} s in the records")
        off = abs(in_ledger(keel)[one.unit][1] - sum(keels))
        check(off < 1e-6 * len(keels), "  and as many in the ledger")
        off = abs(sum(keels) - sum(mine))
        check(off < SLACK * len(mine) + absence + SEEN_EVERY * unseen,
              f"  {sum(mine):.3f} s by the test's own watch: {1000 * off / len(mine):.1f} ms of "
              "difference for each")
    for unit, values in prometheus.samples("keel_outage_seconds_total").items():
        if sorted(values) != values:
            raise Failed(f"{unit}: keel_outage_seconds_total went back: {values}")
    for series in ("keel_outages_total", "keel_outage_seconds_total", "keel_restarts_total"):
        resets = prometheus.values(f"sum by (unit) (resets({series}[1d]))")
        if any(resets.values()) or not resets:
            raise Failed(f"{series} was set back: {resets}")
    check(True, "no counter went back at any scrape")
    engines = prometheus.values("keel_engine_starts_total", "job")["keel"]
    check(engines == starts, f"{engines:.0f} engines were counted")


def rules_are_evaluated(prometheus):
    groups = prometheus.ask("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    bad = [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] == "err"]
    check(rules and not bad, f"{len(rules)} rules were evaluated without an error {bad or ''}")


def main():
    options = read_options(__doc__, outages=20, kills=2, keeper_kills=1,
                           seed=random.randrange(1 << 32))
    if shutil.which("prometheus") is None:
        print("SKIPPED: prometheus is not installed")
        sys.exit(77)
    print(f"SEED={options.seed}", flush=True)
    chance = random.Random(options.seed)
    with Keel(options.bin, prefix="keel-prometheus-") as keel:
        write_units(keel)
        made = [Outages(keel, unit, options.outages // len(UNITS),
                        random.Random(chance.random())) for unit in UNITS]
        keel.start()
        keel.wait(*UNITS)
        with Prometheus(keel.root / "prometheus", keel.http) as prometheus:
            began = time.monotonic()
            absence = induce(keel, made, options.kills, options.keeper_kills, chance)
            print(f"  {options.outages} outages in {time.monotonic() - began:.1f} s, without an "
                  f"engine for {absence:.1f} s of them", flush=True)
            compare(keel, prometheus, made, 1 + options.kills + options.keeper_kills, absence)
            rules_are_evaluated(prometheus)


if __name__ == "__main__":
    run_as_test(main)
