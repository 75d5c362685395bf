#!/usr/bin/python3
"""The demo: three real services under Keel, a crash healed and seen.

    demo.py --bin build/dev/bin [--keep]

Runs the shipped units (units/examples) under a temporary root: a Redis as backbone, an API server,
two workers. Kills the backbone, then Keel's own engine, and shows what happens. Exit 0 only if it
all healed. --keep leaves it running and says how to look around.
"""
import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from harness import Failed, Keel, alive, free_ports, until

EXAMPLES = Path(__file__).resolve().parents[2] / "units" / "examples"
UNITS = ("network-backbone", "api-server", "worker")
SHIPPED_PORTS = {"backbone": 6390, "api": 8790}
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
        self.backbone, self.api = free_ports(2)
        os.environ["KEEL_ROOT"] = str(keel.root)  # so that the commands shown are the whole truth

    # ---- what the demo does to the world -----------------------------------------------------

    def copy_units(self):
        """The shipped files, with free ports, this copy of the programs, and without `user` where
        there is no right to change it."""
        app = self.keel.root / "app"
        shutil.copytree(EXAMPLES / "app", app, ignore=shutil.ignore_patterns("__pycache__"))
        for path in (app, *app.iterdir()):
            path.chmod(path.stat().st_mode | 0o555 if path.is_dir() else 0o755)
        for name in UNITS:
            text = (EXAMPLES / f"{name}.toml").read_text(encoding="utf-8")
            text = text.replace(str(SHIPPED_PORTS["backbone"]), str(self.backbone))
            text = text.replace(str(SHIPPED_PORTS["api"]), str(self.api))
            text = text.replace("/usr/share/keel/examples/app", str(app))
            if os.geteuid() != 0:
                text = re.sub(r"(?m)^user .*\n", "", text)
            self.keel.write_unit(name, text)

    def submit(self, count):
        """Sends jobs to the API and waits until the workers have done them all."""
        began = time.monotonic()
        ids = [until("the API takes a job", lambda: self.post_job(f"job {n}"))
               for n in range(count)]
        for job in ids:
            until(f"a worker does job {job}", lambda job=job: self.job_is_done(job))
        print(f"    {count} jobs taken and done in {time.monotonic() - began:.2f} s")

    def post_job(self, text):
        reply = self.ask("/jobs", text.encode())
        return reply and reply["id"]

    def job_is_done(self, job):
        reply = self.ask(f"/jobs/{job}")
        return reply and reply["state"] == "done"

    def ask(self, path, body=None):
        """The API's answer, or None while it cannot serve."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.api}{path}", body, 2) as reply:
                return json.load(reply)
        except (OSError, urllib.error.URLError, json.JSONDecodeError):
            return None

    def api_is_ready(self):
        return self.ask("/readyz") is not None

    def backbone_answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.backbone), 0.5) as connection:
                connection.settimeout(0.5)
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

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

    def show_metrics(self):
        print(f"    {DIM}$ curl -s http://127.0.0.1:{self.keel.http}/metrics | grep …{PLAIN}")
        wanted = re.compile(r'keel_(restarts_total|outages_total|outage_seconds_total|unit_up)'
                            r'\{.*unit="network-backbone"')
        self.indented("\n".join(line for line in self.keel.metrics_text().splitlines()
                                if wanted.match(line) and not line.endswith(" 0")))

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
        self.copy_units()
        self.keel.start()
        self.keel.wait(*UNITS)
        self.show("status")
        say("Customers send jobs to the API; the workers take them off the backbone")
        self.submit(20)

    def crash_the_backbone(self):
        say("The backbone is killed: SIGKILL, no warning")
        backbone, *workers = [self.keel.pids()[name] for name in
                              ("network-backbone", "worker.1", "worker.2")]
        watchers = [Watcher(self.backbone_answers), Watcher(self.api_is_ready),
                    Watcher(lambda: any(map(alive, workers)))]
        follower = self.follow_events()
        os.kill(backbone, signal.SIGKILL)
        until("a new backbone",
              lambda: self.keel.pids()["network-backbone"] not in (None, backbone))
        self.keel.wait(*UNITS)
        self.submit(20)
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
        before, engine = self.keel.pids(), self.keel.engine_pid()
        watchers = [Watcher(self.engine_answers), Watcher(self.backbone_answers),
                    Watcher(self.api_is_ready)]
        os.kill(engine, signal.SIGKILL)
        until("a new engine", lambda: self.keel.engine_pid() not in (None, engine))
        until("the new engine answers", self.keel.answers)
        self.keel.wait(*UNITS)
        self.submit(20)
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
        say(f"Down, seen from outside: network-backbone {backbone:.2f} s, api-server {api:.2f} s, "
            f"worker {worker:.2f} s, Keel's engine {engine:.2f} s. It all healed.")

    def look_around(self):
        print(f"""
It is left running. To look around:
    export KEEL_ROOT={self.keel.root} PATH={self.keel.bin}:$PATH
    keel status --watch
    keel logs worker -f
    curl -d 'some text' http://127.0.0.1:{self.api}/jobs
    curl http://127.0.0.1:{self.keel.http}/metrics
To end it:
    kill {self.keel.keeld.pid} && rm -r {self.keel.root}""")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=Path, required=True, help="where keeld and keel are")
    parser.add_argument("--keep", action="store_true", help="leave it running")
    options = parser.parse_args()
    keel = Keel(options.bin, prefix="keel-demo-")
    try:
        with keel:
            demo = Demo(keel)
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
