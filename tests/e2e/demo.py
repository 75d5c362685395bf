#!/usr/bin/python3
"""The demo: three real services under Keel, a crash healed and seen.

    demo.py --bin build/dev/bin [--story bad-release] [--keep]

Runs the shipped units (units/examples) under a temporary root: a Redis as backbone, an API server,
two workers. Kills the backbone, then Keel's own engine, and shows what happens. Exit 0 only if it
all healed. --keep leaves it running and says how to look around. The other story is told by
bad_release.py.
"""
import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from example import UNITS, Example
from harness import Failed, Keel, alive, until

BOLD, DIM, PLAIN = ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "", "")


def say(text):
    print(f"\n{BOLD}{text}{PLAIN}", flush=True)


class Watcher(threading.Thread):
    """Asks something every few milliseconds, from outside, and adds up how long it failed."""

    def __init__(self, check):
        super().__init__(daemon=True)
        self.check = check
        self.down = 0.0
        self.ended = threading.Event()
        self.start()

    def run(self):
        failing_since = None
        while not self.ended.wait(0.005):
            now = time.monotonic()
            passed = self.check()
            if passed and failing_since is not None:
                self.down += time.monotonic() - failing_since
                failing_since = None
            elif not passed and failing_since is None:
                failing_since = now

    def stop(self):
        self.ended.set()
        self.join()
        return self.down


class Demo:
    def __init__(self, keel):
        self.keel = keel
        self.example = Example(keel)
        os.environ["KEEL_ROOT"] = str(keel.root)  # so that the commands shown are the whole truth

    # ---- what the demo sees ------------------------------------------------------------------

    def engine_answers(self):
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(0.5)
                connection.connect(str(self.keel.root / "run/keel/control.sock"))
                connection.sendall(b"GET /healthz HTTP/1.0\r\nHost: keel\r\n\r\n")
                return connection.recv(12) != b""
        except OSError:
            return False

    # ---- what it shows -----------------------------------------------------------------------

    def show(self, *words):
        print(f"    {DIM}$ keel {' '.join(words)}{PLAIN}")
        done = self.keel.run(*words, check=False)
        self.indented(done.stdout + done.stderr)

    @staticmethod
    def indented(text):
        for line in text.rstrip().splitlines():
            print(f"    {line}")
        sys.stdout.flush()

    def show_jobs(self, count):
        print(f"    {count} jobs taken and done in {self.example.submit(count):.2f} s")

    def show_metrics(self):
        print(f"    {DIM}$ curl -s http://127.0.0.1:{self.keel.http}/metrics | grep …{PLAIN}")
        wanted = re.compile(r'keel_(restarts_total|outages_total|outage_seconds_total|unit_up)'
                            r'\{.*unit="network-backbone"')
        self.indented("\n".join(line for line in self.keel.metrics_text().splitlines()
                                if wanted.match(line) and not line.endswith(" 0")))

    def outage_of(self, unit):
        """The number of its latest outage, once it is over and settled."""
        def settled():
            told = json.loads(self.keel.run("outages", "--json").stdout)["outages"]
            return next((o["id"] for o in told if o["unit"] == unit and o["closed"]), None)
        return until(f"the outage of {unit} is over", settled)

    def follow_events(self):
        """Prints Keel's events as they come, until the process returned is terminated."""
        print(f"    {DIM}$ keel events -f -n 0{PLAIN}", flush=True)
        follower = subprocess.Popen([self.keel.bin / "keel", "events", "-f", "-n", "0"], text=True,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

        def copy():
            for line in follower.stdout:
                print(f"    {line.rstrip()}", flush=True)

        threading.Thread(target=copy, daemon=True).start()
        return follower

    # ---- the story ---------------------------------------------------------------------------

    def begin(self):
        say("keeld starts the network backbone, the API server and two workers")
        self.example.copy_units()
        self.keel.start()
        self.keel.wait(*UNITS)
        self.show("status")
        say("Customers send jobs to the API; the workers take them off the backbone")
        self.show_jobs(20)

    def crash_the_backbone(self):
        say("The backbone is killed: SIGKILL, no warning")
        backbone, *workers = [self.keel.pids()[name] for name in
                              ("network-backbone", "worker.1", "worker.2")]
        watchers = [Watcher(self.example.backbone_answers), Watcher(self.example.api_is_ready),
                    Watcher(lambda: any(map(alive, workers)))]
        follower = self.follow_events()
        os.kill(backbone, signal.SIGKILL)
        until("a new backbone",
              lambda: self.keel.pids()["network-backbone"] not in (None, backbone))
        self.keel.wait(*UNITS)
        self.show_jobs(20)
        follower.terminate()
        follower.wait()
        down = [watcher.stop() for watcher in watchers]
        say("All is ready and the jobs flow again, and nobody had to get up")
        self.show("status")
        say("What happened? Ask Keel, or Prometheus")
        self.show("why", "network-backbone")
        self.show_metrics()
        return down

    def crash_the_engine(self):
        say("Now Keel's own engine is killed")
        before = self.keel.pids()
        watchers = [Watcher(self.engine_answers), Watcher(self.example.backbone_answers),
                    Watcher(self.example.api_is_ready)]
        engine = self.keel.kill_engine()
        self.keel.wait(*UNITS)
        self.show_jobs(20)
        down, *services = [watcher.stop() for watcher in watchers]
        after = self.keel.pids()
        if after != before:
            raise Failed(f"processes changed: {before} became {after}")
        if any(services):
            raise Failed(f"services were down for {services} s")
        now = self.keel.engine_pid()
        print(f"    engine {engine} is now {now}; every service kept its process:")
        print("    " + ", ".join(f"{name} {pid}" for name, pid in after.items()))
        return down

    def run(self):
        self.begin()
        backbone, api, worker = self.crash_the_backbone()
        engine = self.crash_the_engine()
        say("What stays on record of the backbone's end, also over that of an engine")
        self.show("outages", str(self.outage_of("network-backbone")))
        say(f"Down, seen from outside: network-backbone {backbone:.2f} s, api-server {api:.2f} s, "
            f"worker {worker:.2f} s, Keel's engine {engine:.2f} s. It all healed.")

    def look_around(self):
        print(f"""
It is left running. In a browser, within two minutes (`keel web` prints another link):
    {self.keel.run("web").stdout.strip()}
What everybody may see:
    http://127.0.0.1:{self.keel.http}/status
To look around:
    export KEEL_ROOT={self.keel.root} PATH={self.keel.bin}:$PATH
    keel status --watch
    keel logs worker -f
    curl -d 'some text' http://127.0.0.1:{self.example.api}/jobs
    curl http://127.0.0.1:{self.keel.http}/metrics
To end it:
    kill {self.keel.keeld.pid} && rm -r {self.keel.root}""")


def teller(story):
    if story == "crash":
        return Demo
    from bad_release import BadRelease  # which is made of Demo
    return BadRelease


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=Path, required=True, help="where keeld and keel are")
    parser.add_argument("--keep", action="store_true", help="leave it running")
    parser.add_argument("--story", choices=("crash", "bad-release"), default="crash",
                        help="what happens: a crash, or releases that are no good")
    options = parser.parse_args()
    keel = Keel(options.bin, prefix="keel-demo-")
    try:
        with keel:
            demo = teller(options.story)(keel)
            demo.run()
            if options.keep:
                demo.look_around()
                keel.keep()
    except Failed as failure:
        print(f"\nIt did not heal: {failure}\n\nkeeld said last ({keel.log}):", file=sys.stderr)
        print("\n".join(keel.log.read_text().splitlines()[-30:]), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
