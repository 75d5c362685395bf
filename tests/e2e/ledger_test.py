#!/usr/bin/python3
"""What was down stays on record: over the engine's death, keeld's and the host's boot, whatever
becomes of the ledger's file, and while there is no room on its disk.

A boot is played by killing everything at once and emptying what lives on tmpfs, as a loss of power
does. `--rounds N` damages the file so many times; `--full SECONDS` keeps the disk full for so long.
"""
import ctypes
import json
import os
import random
import shutil
import signal
import sqlite3
import time

from harness import Failed, Keel, alive, check, descendants, read_options, run_as_test, until

UNITS = ["api", "backbone", "mailer", "panel", "worker"]
MS_NODEV_NOSUID = 6


def write_units(keel):
    for name in UNITS:
        keel.write_unit(name, """
command = "/usr/bin/tail -f /dev/null"
[restart]
delay = "10ms"
delay_max = "20ms"
[escalation]
failures = 0
[outage]
settle = "0s"
""")


class Ledger:
    def __init__(self, keel):
        self.keel = keel
        self.path = keel.root / "var/lib/keel/ledger.db"

    def ask(self, sql):
        database = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=10)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()

    def closed(self):
        """How many outages have ended, as far as it says. None: it says nothing."""
        try:
            return len(self.ended())
        except sqlite3.Error:
            return None

    def ended(self):
        return {row[0] for row in self.ask("SELECT id FROM outages WHERE closed IS NOT NULL "
                                           "AND kind = 'outage'")}

    def asides(self):
        return sorted(path for path in self.path.parent.glob("ledger.db.damaged-*Z"))


def pids(keel):
    return {unit["name"]: unit["instances"][0]["pid"] for unit in keel.status().values()
            if unit["status"] == "up"}


def rfc3339(when):
    return time.strftime("%Y-%m-%dT%H:%M:%S.999Z", time.gmtime(when))


def outages_told(keel):
    return json.loads(keel.run("outages", "--json", "-n", "10000").stdout)["outages"]


def unit_outages(keel):
    return [o for o in outages_told(keel) if o["unit"] is not None]


def gaps_told(keel):
    return [o for o in outages_told(keel) if o["kind"] == "gap"]


def induce(keel, units):
    """One outage of each, and everything up again. The processes that run now."""
    before = pids(keel)
    for name in units:
        os.kill(before[name], signal.SIGKILL)
    return until(f"{units} are up again", lambda: (
        lambda now: now if len(now) == len(UNITS) and all(now[n] != before[n] for n in units)
        else None)(pids(keel)))


def counters(keel):
    """What may never go back, summed up by name and unit."""
    sums = {}
    for series, value in keel.metrics().items():
        name = series.split("{")[0]
        if name in ("keel_outages_total", "keel_outage_seconds_total", "keel_restarts_total",
                    "keel_spawn_failures_total", "keel_liveness_restraints_total"):
            sums[series] = value
    return sums


def check_monotonic(before, after, what):
    gone = {series: (value, after.get(series)) for series, value in before.items()
            if after.get(series, -1) < value}
    check(not gone, f"no counter went back: {what}" if not gone
          else f"counters went back ({what}): {gone}")


def kill_keeld(keel):
    """Keeper and engine at once; the units live on."""
    engine = keel.engine_pid()
    keel.keeld.send_signal(signal.SIGKILL)
    keel.keeld.wait()
    if alive(engine):
        os.kill(engine, signal.SIGKILL)
    until("the engine is gone", lambda: not alive(engine))


def lose_power(keel):
    kill_keeld(keel)
    keel.end_whatever_lives()
    until("nothing lives", lambda: not any(pid not in keel.before for pid in descendants()))
    shutil.rmtree(keel.root / "run/keel")


def keep_over_deaths(keel, ledger):
    induce(keel, UNITS)
    until("the ledger has five outages", lambda: ledger.closed() == 5)
    told = unit_outages(keel)
    check([o["id"] for o in told] == sorted((o["id"] for o in told), reverse=True)
          and {o["unit"] for o in told} == set(UNITS), "keel outages tells all five")
    counted = counters(keel)
    keel.kill_engine()
    check_monotonic(counted, counters(keel), "over kill -9 of the engine")
    induce(keel, ["worker"])
    died = pids(keel)["panel"]
    kill_keeld(keel)
    away_since = rfc3339(time.time())
    os.kill(died, signal.SIGKILL)
    until("the panel is gone", lambda: not alive(died))
    keel.start()
    check(len(unit_outages(keel)) >= 6, "the sixth is told after kill -9 of keeper and engine")
    unseen = [o for o in unit_outages(keel) if o["begin_unseen"]]
    check([o["unit"] for o in unseen] == ["panel"] and unseen[0]["opened"] <= away_since
          and unseen[0]["uncertain"],
          "what died meanwhile is down since Keel last saw it, uncertainly")
    until("the ledger has it, too", lambda: (ledger.closed() or 0) >= 6)
    check_monotonic(counted, counters(keel), "over kill -9 of both")
    until("the gap is on record", lambda: len(gaps_told(keel)) == 1)
    keel.wait(*UNITS)
    last = max(o["id"] for o in outages_told(keel))
    lose_power(keel)
    keel.start()
    keel.wait(*UNITS)
    check(len(unit_outages(keel)) >= 6, "all are told after the host has lost power")
    check({o["unit"] for o in unit_outages(keel) if o["id"] > last} == set(UNITS),
          "and so is that everything was down meanwhile")
    induce(keel, ["panel"])
    ids = [o["id"] for o in outages_told(keel)]
    check(len(set(ids)) == len(ids) and max(ids) > last, "and no number is given out twice")
    until("the second gap is on record", lambda: len(gaps_told(keel)) == 2)
    gaps = gaps_told(keel)
    check(all(gap["unit"] is None and gap["uncertain"] for gap in gaps),
          "and the times in which Keel was away are gaps, not up")


def damage(path, draws):
    bytes_ = bytearray(path.read_bytes())
    at = draws.randrange(len(bytes_))
    for i in range(at, min(len(bytes_), at + 1 + draws.randrange(4096))):
        bytes_[i] = draws.randrange(256)
    path.write_bytes(bytes_)
    return bytes(bytes_)


def survive_damage(keel, ledger, rounds, seed):
    draws = random.Random(seed)
    found = 0
    for number in range(rounds):
        induce(keel, [draws.choice(UNITS)])
        counted = counters(keel)
        keel.stop() if number % 2 else lose_power(keel)
        for aside in ledger.path.parent.glob("ledger.db.damaged-*"):
            aside.unlink()
        damaged = damage(ledger.path, draws)
        keel.start()
        keel.wait(*UNITS)
        for aside in ledger.asides():
            found += 1
            if aside.read_bytes() != damaged:
                raise Failed(f"seed {seed}, round {number}: what was set aside is not whole")
        after = counters(keel)
        back = [(series, value, after.get(series)) for series, value in counted.items()
                if after.get(series, -1) < value]
        if back:
            raise Failed(f"seed {seed}, round {number}: counters went back: {back}")
    check(True, f"{rounds} times damaged, up each time, {found} files set aside whole, "
                "no counter went back")


def fill(path):
    """Not one more byte fits."""
    with path.open("wb", buffering=0) as filler:
        for size in (65536, 4096, 1):
            try:
                while True:
                    filler.write(b"x" * size)
            except OSError:
                pass


def go_on_without_room(keel, ledger, seconds):
    keel.stop()
    shutil.rmtree(ledger.path.parent)
    ledger.path.parent.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", os.fsencode(ledger.path.parent), b"tmpfs", MS_NODEV_NOSUID,
                  b"size=2m") != 0:
        print(f"  --  no tmpfs can be mounted here: {os.strerror(ctypes.get_errno())}")
        return
    try:
        keel.start()
        keel.wait(*UNITS)
        until("the ledger is there", lambda: ledger.closed() is not None)
        already = {o["id"] for o in unit_outages(keel)}
        for _ in range(6):
            induce(keel, UNITS)
        filler = ledger.path.parent / "filler"
        fill(filler)
        full_until = time.monotonic() + seconds
        for _ in range(8):
            running = induce(keel, UNITS)
        until("keel status tells of it",
              lambda: "ledger cannot be written" in keel.run("status", check=False).stderr)
        check(len(ledger.ended() - already) < 70,
              "the disk is full: records wait, and status says so")
        while time.monotonic() < full_until:
            time.sleep(0.5)
        check(pids(keel) == running, "nothing was restarted because of it")
        told = {o["id"] for o in unit_outages(keel)} - already
        check(len(told) == 70, f"keel outages tells of all {len(told)} all the same")
        filler.unlink()
        for _ in range(6):
            induce(keel, UNITS)
        told = {o["id"] for o in unit_outages(keel)}
        until("the ledger is complete", lambda: ledger.ended() == told)
        check(len(told - already) == 100, "100 outages, and the ledger has every one")
        counted = sum(value for series, value in keel.metrics().items()
                      if series.startswith("keel_outages_total"))
        check(counted >= 100, f"keel_outages_total says {counted:.0f}")
        check("written again, and nothing was lost" in keel.log.read_text(), "and the log says so")
        keel.stop()
    finally:
        libc.umount2(os.fsencode(ledger.path.parent), 2)


def main():
    options = read_options(__doc__, rounds=12, full=1.0, seed=random.randrange(10**6))
    print(f"SEED={options.seed}")
    with Keel(options.bin) as keel:
        write_units(keel)
        keel.start()
        keel.wait(*UNITS)
        ledger = Ledger(keel)
        keep_over_deaths(keel, ledger)
        survive_damage(keel, ledger, options.rounds, options.seed)
        if os.geteuid() == 0:
            go_on_without_room(keel, ledger, options.full)


if __name__ == "__main__":
    run_as_test(main)
