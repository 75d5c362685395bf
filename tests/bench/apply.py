#!/usr/bin/python3
"""Many applies that alternate between two generations, while units crash and the engine is killed.

    apply.py --bin build/release/bin [COUNT] [--seed N]

COUNT (50) times the other generation is written and `keel apply` is run; meanwhile processes are
killed at random, and now and then the engine. After each apply one whole generation must be in
force, on the disk and in what runs; at the end, units that are the same in both must have been
restarted as often as they were killed and no more. The trial is half a second instead of ten.

What is wrong ends the run with exit 1; times are printed and judge nothing.
"""
import argparse
import collections
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from harness import Failed, Keel, alive, descendants, until  # noqa: E402

COMMON = """command = ["{puppet}", "hang"]
[stop]
timeout = "2s"
[restart]
delay = "{delay}"
stable_after = "0s"
[escalation]
failures = 0
"""
SAME = ("same-1", "same-2", "same-3")
CHANGED = ("changed-1", "changed-2")
ENDED_BY_ENGINE, CONFLICT = 5, 6


def generation(keel, letter):
    """{unit: text} of one of the two."""
    text = COMMON.format(puppet=keel.bin / "puppet", delay="20ms")
    units = {name: text for name in SAME}
    units["live"] = COMMON.format(puppet=keel.bin / "puppet",
                                  delay="20ms" if letter == "a" else "30ms")
    units["changed-1"] = f'environment = {{ LETTER = "{letter}" }}\n' + text
    units["changed-2"] = (f'requires = ["changed-1"]\nenvironment = {{ LETTER = "{letter}" }}\n' +
                          text)
    units[f"only-{letter}"] = text
    return units


def write(keel, units):
    for path in keel.units.glob("*.toml"):
        if path.stem not in units:
            path.unlink()
    for name, text in units.items():
        keel.write_unit(name, text)


def on_disk(keel):
    folder = keel.root / "var/lib/keel/generations/current/units"
    return {path.stem: path.read_text() for path in folder.glob("*.toml")}


def letter_of(pid):
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    return next((v[7:].decode() for v in variables if v.startswith(b"LETTER=")), None)


class Run:
    def __init__(self, keel, seed):
        self.keel = keel
        self.random = random.Random(seed)
        self.generations = {letter: generation(keel, letter) for letter in "ab"}
        self.kills = collections.Counter()
        self.engine_kills = 0
        self.outcomes = collections.Counter()
        self.took = []
        self.pids = {}

    def disturb(self, asked):
        """While the apply is under way: some crash, and now and then the engine."""
        until("a moment has passed", lambda: asked.poll() is not None or
              time.monotonic() > self.moment)
        if self.random.random() < .4 and self.pids:
            name, pid = self.random.choice(sorted(self.pids.items()))
            if pid and alive(pid):
                os.kill(pid, signal.SIGKILL)
                self.kills[name] += 1
        if self.random.random() < .15:
            pid = self.keel.engine_pid()
            if pid and alive(pid):
                self.keel.kill_engine()
                self.engine_kills += 1

    def apply(self, letter):
        write(self.keel, self.generations[letter])
        began = time.monotonic()
        self.moment = began + self.random.random() * .8
        with subprocess.Popen([self.keel.bin / "keel", "--root", self.keel.root, "apply"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as asked:
            self.disturb(asked)
            said = asked.communicate(timeout=60)
        code = asked.returncode
        if code not in (0, 1, ENDED_BY_ENGINE, CONFLICT):
            raise Failed(f"keel apply: exit {code}\n{said}")
        if code == 1 and "reverted" not in said[1]:
            raise Failed(f"keel apply: {said}")
        self.outcomes[{0: "applied", 1: "reverted", 5: "cut short", 6: "refused"}[code]] += 1
        if code == 0:
            self.took.append(time.monotonic() - began)
        self.check(letter if code == 0 else None)

    def check(self, applied):
        stored = on_disk(self.keel)
        letters = [one for one, units in self.generations.items() if units == stored]
        if len(letters) != 1 or (applied and letters != [applied]):
            raise Failed(f"what is stored is neither of the two, or the wrong one: {letters}")
        wanted = set(self.generations[letters[0]])

        def is_whole():
            if not self.keel.answers():
                return False
            units = self.keel.status()
            if set(units) != wanted or any(u["status"] != "up" for u in units.values()):
                return False
            self.pids = {name: u["instances"][0]["pid"] for name, u in units.items()}
            return all(letter_of(self.pids[name]) == letters[0] for name in CHANGED)
        until(f"what runs is generation {letters[0]}, whole", is_whole)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("count", nargs="?", type=int, default=50)
    wanted = parser.parse_args()
    os.environ["KEEL_APPLY_TRIAL"] = "500ms"
    print(f"{wanted.count} applies, seed {wanted.seed}", flush=True)
    with Keel(wanted.bin, prefix="keel-applies-") as keel:
        run = Run(keel, wanted.seed)
        write(keel, run.generations["a"])
        keel.start()
        run.check(None)
        for n in range(wanted.count):
            run.apply("ba"[n % 2])
            if (n + 1) % 100 == 0:
                print(f"  {n + 1}: {dict(run.outcomes)}", flush=True)
        units = keel.status()
        for name in (*SAME, "live"):
            if units[name]["restarts"] != run.kills[name]:
                raise Failed(f"{name} was killed {run.kills[name]} times and restarted "
                             f"{units[name]['restarts']} times")
        running = [n for n in descendants().values() if n == "puppet"]
        if len(running) != len(units):
            raise Failed(f"{len(running)} processes of {len(units)} units")
        print(f"  ok  one whole generation in force after each of {wanted.count} applies: "
              f"{dict(run.outcomes)}")
        print(f"  ok  {sum(run.kills.values())} processes and {run.engine_kills} engines killed; "
              "units that are the same in both were restarted as often as they were killed: "
              f"{[units[name]['restarts'] for name in (*SAME, 'live')]}")
        if run.took:
            print(f"  an apply that went through took {statistics.median(run.took):.2f} s "
                  f"(median, {max(run.took):.2f} s at most), of which 0.5 s is the trial")


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"apply: {failure}")
