#!/usr/bin/python3
"""Events of a real keeld: followed over the end of its engine, which is said; since a time; and by
readers that never read, while units crash by the thousand.
"""
import json
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

from harness import Keel, check, read_options, run_as_test, until

NEVER_READING = 20
EVENTS = 6000  # more than keeld keeps
MEMORY_GROWTH_MAX = 40 << 20
# What the address sanitizer keeps of freed memory is none of it.
os.environ.setdefault("ASAN_OPTIONS", "quarantine_size_mb=4")


class Follower:
    """`keel events -f --json`: its lines as they come."""

    def __init__(self, keel, *words):
        self.process = subprocess.Popen(
            [keel.bin / "keel", "--root", keel.root, "events", "-f", "--json", *words], text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = []
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def texts(self):
        return [line["text"] for line in self.lines if "text" in line]

    def ids(self):
        return [line["id"] for line in self.lines if "id" in line]

    def finish(self):
        self.process.send_signal(signal.SIGINT)
        said = self.process.stderr.read()
        self.process.wait(30)
        self.reader.join()
        return said


def followed_over_engines(keel):
    follower = Follower(keel, "--unit", "steady", "--count", "1")
    until("it follows", lambda: follower.lines)
    keel.run("restart", "steady")
    until("the restart is seen", lambda: any("restart done" in t for t in follower.texts()))
    for _ in range(2):
        keel.kill_engine()
        seen = len(follower.lines)
        keel.run("restart", "steady")
        until("the next restart is seen", lambda seen=seen: any(
            "restart done" in line.get("text", "") for line in follower.lines[seen:]))
    said = follower.finish()
    ids = follower.ids()
    check(ids == sorted(set(ids)), f"{len(ids)} events, none twice, each with a higher id")
    gaps = [line["missed"] for line in follower.lines if "missed" in line]
    check(len(gaps) == 2 and said.count("may be missing") == 2,
          f"the ends of two engines were told: {said.splitlines()[0]}")
    check({line["unit"] for line in follower.lines if "unit" in line} == {"steady"},
          "of one unit, as was asked")


def since_a_time(keel):
    out = keel.run("events", "--since", "1h", "--json")
    events = json.loads(out.stdout)["events"]
    check("takes over" in events[0]["text"], "all events of this engine since an hour ago")
    check("are not kept any more" in out.stderr, f"and it is said: {out.stderr.strip()}")
    middle = events[len(events) // 2]["at"]
    some = json.loads(keel.run("events", "--since", middle, "--json").stdout)["events"]
    check(some == [event for event in events if event["at"] >= middle],
          "those since a time are those")


def resident(pid):
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096


def never_read(keel):
    """Connections that ask for all events from the first on, and never read one."""
    sockets = []
    for _ in range(NEVER_READING):
        one = socket.socket(socket.AF_UNIX)
        one.connect(str(keel.root / "run/keel/control.sock"))
        one.sendall(b"GET /v1/events?after=0 HTTP/1.1\r\nHost: keel\r\n\r\n")
        sockets.append(one)
    follower = Follower(keel, "--count", "0")
    before = resident(keel.engine_pid())
    first = json.loads(keel.run("events", "-n", "1", "--json").stdout)["latest"]
    for _ in range(4):
        keel.run("start", "crashing-1", "crashing-2", "crashing-3", "crashing-4", "--no-wait",
                 check=False)
    until(f"{EVENTS} events have happened", lambda: json.loads(
        keel.run("events", "-n", "1", "--json").stdout)["latest"] > first + EVENTS, patience=300)
    keel.run("stop", "crashing-1", "crashing-2", "crashing-3", "crashing-4")
    last = json.loads(keel.run("events", "-n", "1", "--json").stdout)["latest"]
    until("who reads has read them all", lambda: follower.ids() and follower.ids()[-1] >= last)
    ids = follower.ids()
    check(ids == list(range(ids[0], ids[-1] + 1)),
          f"beside {NEVER_READING} who never read, one read all of {len(ids)} events")
    grown = resident(keel.engine_pid()) - before
    check(grown < MEMORY_GROWTH_MAX, f"the engine grew by {grown / 1e6:.1f} MB")
    follower.finish()
    for one in sockets:
        one.close()


def run(bin_dir):
    with Keel(bin_dir, prefix="keel-events-") as keel:
        keel.write_unit("steady", f'command = ["{keel.bin}/puppet", "hang"]')
        for number in range(1, 5):
            keel.write_unit(f"crashing-{number}", f"""
command = ["{keel.bin}/puppet", "exit", "1"]
enabled = false
[restart]
delay = "1ms"
delay_max = "1ms"
[escalation]
failures = 0
""")
        (keel.root / "etc/keel/keel.toml").write_text("[storm]\nstarts_per_second = 0\n")
        keel.start()
        keel.wait("steady")
        followed_over_engines(keel)
        since_a_time(keel)
        never_read(keel)


def main():
    run(read_options(__doc__).bin)


if __name__ == "__main__":
    run_as_test(main)
