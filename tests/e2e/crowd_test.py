#!/usr/bin/python3
"""Twenty clients restart five units all at once, while the engine is killed now and then.

    crowd_test.py --bin build/dev/bin [--restarts 100]

Each of them is told that it is done, or by name whose operation was in the way; nobody is left
without an answer, and no operation is carried out twice. Each process takes a lock when it begins,
so that two of one unit at a time would be seen.
"""
import json
import os
import random
import signal
import threading
from collections import Counter

from harness import Keel, check, read_options, run_as_test, until

UNITS = [f"unit-{i}" for i in range(5)]
CLIENTS = 20

# Begins only if it is alone: a second living process of the unit would hold the lock.
PROCESS = """import fcntl, os, sys, time
lock = open(sys.argv[1] + ".lock", "w")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    open(sys.argv[1] + ".twice", "a").write(f"{os.getpid()}\\n")
open(sys.argv[1] + ".begun", "a").write(f"{os.getpid()}\\n")
time.sleep(1e6)
"""


def write_units(keel):
    program = keel.root / "process.py"
    program.write_text(PROCESS)
    for name in UNITS:
        keel.write_unit(name, f'command = ["python3", "-S", "{program}", "{keel.root / name}"]\n'
                        '[escalation]\nfailures = 0\n')


class Client(threading.Thread):
    """Restarts units one after the other, as if a person typed."""

    def __init__(self, keel, restarts, seed):
        super().__init__()
        self.keel, self.restarts = keel, restarts
        self.random = random.Random(seed)
        self.answers = Counter()
        self.strange = []

    def run(self):
        for _ in range(self.restarts):
            said = self.keel.run("restart", self.random.choice(UNITS), "--json", check=False)
            self.note(said)

    def note(self, said):
        if said.returncode == 0:
            outcome = json.loads(said.stdout)["operations"][0]["outcome"]
            self.answers["done" if outcome == "done" else "strange"] += 1
        elif said.returncode == 6 and "is under way" in said.stderr:
            self.answers["conflict"] += 1
        else:
            self.answers["strange"] += 1
            self.strange.append(f"exit {said.returncode}: {said.stdout}{said.stderr}")


def kill_engines(keel, clients):
    """One engine after the other, each once it has taken over; how many."""
    killed = 0
    while any(client.is_alive() for client in clients):
        pid = keel.engine_pid()
        os.kill(pid, signal.SIGKILL)
        killed += 1
        until("the next engine", lambda: keel.engine_pid() not in (None, pid))
        for client in clients:
            client.join(timeout=0.1)
    return killed


def main():
    arguments = read_options(__doc__, restarts=100)
    with Keel(arguments.bin, prefix="keel-crowd-") as keel:
        write_units(keel)
        keel.start()
        keel.wait(*UNITS)
        clients = [Client(keel, arguments.restarts // CLIENTS, seed) for seed in range(CLIENTS)]
        for client in clients:
            client.start()
        killed = kill_engines(keel, clients)
        answers = sum((client.answers for client in clients), Counter())
        strange = [text for client in clients for text in client.strange]
        check(not strange, f"{dict(answers)}, the engine killed {killed} times"
              + "".join(f"\n      {text}" for text in strange[:5]))
        check(sum(answers.values()) == arguments.restarts // CLIENTS * CLIENTS,
              "every client was answered")
        keel.wait(*UNITS)
        restarts = sum(count for series, count in keel.metrics().items()
                       if series.startswith("keel_restarts_total"))
        check(restarts == answers["done"], f"one restart for each that was done: {restarts:.0f}")
        check(not list(keel.root.glob("*.twice")), "never two of a unit at a time")


if __name__ == "__main__":
    run_as_test(main)
