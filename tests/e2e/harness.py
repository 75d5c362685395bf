"""A real keeld under a temporary root, for the end-to-end tests and the demo.

    with Keel(bin_dir) as keel:
        keel.write_unit("echo", 'command = "/usr/bin/tail -f /dev/null"\\n')
        keel.start()
        keel.wait("echo")
        print(keel.status()["echo"]["status"])

Leaving the block ends keeld by SIGTERM and then looks for processes that were left behind: this
process makes itself the reaper of orphans, so whatever keeld does not end becomes its child and
is found. Only descendants of this process are ever signalled.
"""
import argparse
import ctypes
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

PATIENCE = 30.0  # seconds after which a wait has failed; no test passes or fails by time otherwise
PR_SET_CHILD_SUBREAPER = 36


class Failed(Exception):
    """What should have happened did not; the text says what."""


def check(truth, what):
    """Says that it holds, or fails."""
    if not truth:
        raise Failed(what)
    print(f"  ok  {what}", flush=True)


def read_options(doc=None, **defaults):
    """What a test was called with: `bin`, where the programs are, and one option for each default,
    of its type."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--bin", required=True, type=Path)
    for name, default in defaults.items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(default), default=default)
    return parser.parse_args()


def run_as_test(main):
    """Runs it; what has Failed is told in one line and in the exit code."""
    try:
        main()
    except (Failed, subprocess.SubprocessError) as failure:
        sys.exit(f"FAILED: {failure}")


def until(what, condition, patience=PATIENCE):
    """Asks `condition` again and again until it answers something true, and returns that. For what
    tells nobody when it happens; wait on an event wherever there is one."""
    deadline = time.monotonic() + patience
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Failed(f"not within {patience:.0f} s: {what}")
        select.select([], [], [], 0.02)


def free_ports(count):
    """Ports on which nobody listens now, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def alive(pid):
    """Does the process run? A zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat[stat.rindex(")") + 2] not in "ZX"


def descendants():
    """{pid: command name} of every living process below this one."""
    parents, names = {}, {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue
        name, rest = stat[stat.index("(") + 1:stat.rindex(")")], stat[stat.rindex(")") + 2:].split()
        if rest[0] != "Z":
            parents[int(entry.name)] = int(rest[1])
            names[int(entry.name)] = name
    below = {}
    for pid in parents:
        parent = parents[pid]
        while parent and parent != os.getpid():
            parent = parents.get(parent)
        if parent:
            below[pid] = names[pid]
    return below


class Keel:
    def __init__(self, bin_dir, prefix="keel-e2e-"):
        self.bin = Path(bin_dir).resolve()
        self.root = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
        self.root.chmod(0o755)  # units that run as another user read their programs here
        self.units = self.root / "etc/keel/units"
        self.units.mkdir(parents=True)
        self.log = self.root / "keeld.log"
        self.http = free_ports(1)[0]
        self.keeld = None
        self.kept = False
        self.before = set()

    def __enter__(self):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.before = set(descendants())
        return self

    def keep(self):
        """Leave everything running, and the root in place, when the block ends."""
        self.kept = True

    def __exit__(self, kind, *_):
        if self.kept:
            return
        try:
            left = self.stop()
        finally:
            self.end_whatever_lives()
        if kind is None and left:
            raise Failed(f"keeld left processes behind: {left}")
        if kind is None:
            shutil.rmtree(self.root, ignore_errors=True)

    # ---- the daemon --------------------------------------------------------------------------

    def write_unit(self, name, text):
        (self.units / f"{name}.toml").write_text(text, encoding="utf-8")

    def start(self):
        with self.log.open("ab") as log:
            self.keeld = subprocess.Popen(
                [self.bin / "keeld", "--root", self.root, "--http", f"127.0.0.1:{self.http}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        until("keeld answers on its control socket", self.answers)

    def answers(self):
        if self.keeld.poll() is not None:
            raise Failed(f"keeld ended with {self.keeld.returncode}; see {self.log}")
        return self.run("status", check=False).returncode != 5

    def stop(self):
        """SIGTERM to keeld and wait for its end. Returns what it left behind: {pid: name}."""
        if self.keeld is None or self.keeld.poll() is not None:
            return {}
        self.keeld.send_signal(signal.SIGTERM)
        self.keeld.wait(PATIENCE)
        return {pid: name for pid, name in descendants().items() if pid not in self.before}

    def end_whatever_lives(self):
        for pid in descendants():
            if pid not in self.before:
                os.kill(pid, signal.SIGKILL)

    def engine_pid(self):
        try:
            return int((self.root / "run/keel/engine.pid").read_text())
        except (OSError, ValueError):
            return None

    def kill_engine(self):
        """SIGKILL; returns the pid that it had once the next engine answers."""
        pid = self.engine_pid()
        os.kill(pid, signal.SIGKILL)
        until("the next engine answers",
              lambda: self.engine_pid() not in (None, pid) and self.answers())
        return pid

    # ---- the client --------------------------------------------------------------------------

    def run(self, *words, check=True, patience=PATIENCE):
        done = subprocess.run([self.bin / "keel", "--root", self.root, *words], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=patience)
        if check and done.returncode != 0:
            raise Failed(f"keel {' '.join(words)}: exit {done.returncode}\n"
                         f"{done.stdout}{done.stderr}")
        return done

    def status(self):
        """{unit name: unit as `keel status --json` shows it}; status has exit 3 if one is down."""
        done = self.run("status", "--json", check=False)
        if done.returncode not in (0, 3):
            raise Failed(f"keel status: exit {done.returncode}\n{done.stderr}")
        return {unit["name"]: unit for unit in json.loads(done.stdout)["units"]}

    def pids(self):
        """{instance name: pid or None} of all units."""
        return {instance["name"]: instance["pid"]
                for unit in self.status().values() for instance in unit["instances"]}

    def wait(self, *units, patience=PATIENCE):
        self.run("wait", *units, "--for", "ready", "--timeout", f"{patience:.0f}s",
                 patience=patience + 5)

    # ---- metrics -----------------------------------------------------------------------------

    def metrics_text(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics", timeout=5) as reply:
            return reply.read().decode()

    def metrics(self):
        """{series with its labels: value}."""
        found = re.findall(r"^([a-z_]+(?:\{.*\})?) (\S+)$", self.metrics_text(), re.M)
        return {series: float(value) for series, value in found}
