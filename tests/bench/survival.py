#!/usr/bin/python3
"""What Keel promises about deaths, counted and measured in one run.

    survival.py --bin build/release/bin [kills|mass|idle|memory …]

kills    one unit killed 1,000 times in a row, with and without the engine being killed meanwhile:
         one spawn per death, none lost, none doubled; time from death to the next process's first
         instruction, beside a bare loop of vfork, exec and wait
mass     500 units killed at once, three rounds: all ready again, every restart counted
memory   PSS of keeper and engine with 1, 100 and 500 units
idle     CPU time and wake-ups of both processes over 60 s with 100 units

Counts are checked, and a wrong one ends the run with exit 1; times are printed and judge nothing.
"""
import argparse
import os
import select
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from harness import Failed, Keel, until  # noqa: E402

UNIT = """command = ["{stamp}", "{file}"]
[restart]
stable_after = "0s"
[escalation]
failures = 0
[log]
target = "null"
"""


class Stamps:
    """The FIFO that every process of the unit writes its beginning to."""

    def __init__(self, path):
        self.path = Path(path)
        os.mkfifo(self.path)
        self.fifo = os.open(self.path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.partial = b""

    def read(self):
        """New stamps since the last call, as (pid, nanoseconds)."""
        try:
            data = self.partial + os.read(self.fifo, 1 << 16)
        except BlockingIOError:
            return []
        *lines, self.partial = data.split(b"\n")
        return [tuple(map(int, line.split())) for line in lines]

    def next(self, patience=30.0):
        """Waits asleep: to look again and again would take a processor from what is measured."""
        if select.select([self.fifo], [], [], patience)[0]:
            return self.read()
        raise Failed("no process began within the patience")


def check(what, got, wanted):
    print(f"  {'ok ' if got == wanted else 'BAD'} {what}: {got}" +
          ("" if got == wanted else f", wanted {wanted}"), flush=True)
    if got != wanted:
        raise Failed(what)


def spread(nanoseconds):
    values = sorted(n / 1e6 for n in nanoseconds)
    p99 = values[int(len(values) * .99)]
    return (f"median {statistics.median(values):.3f} ms, p99 {p99:.3f} ms, "
            f"max {values[-1]:.3f} ms")


def series_sum(keel, name):
    return int(sum(value for series, value in keel.metrics().items()
                   if series.startswith(name + "{")))


def kill_engine(keel):
    pid = keel.engine_pid()
    if pid:
        os.kill(pid, signal.SIGKILL)
    return pid


def kill_engine_in_service(keel):
    """After its first good turn: one that never gets that far has its state set aside."""
    before = until("an engine is in service", lambda: engine_answers(keel) and keel.engine_pid())
    kill_engine(keel)
    until("the next engine", lambda: keel.engine_pid() not in (None, before))


def engine_answers(keel):
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(keel.root / "run/keel/control.sock"))
            connection.sendall(b"GET /healthz HTTP/1.0\r\nHost: keel\r\n\r\n")
            return connection.recv(12) != b""
    except OSError:
        return False


def floor(bin_dir, count, folder):
    done = subprocess.run([bin_dir / "floor", str(count), bin_dir / "stamp", folder / "floor"],
                          check=True, capture_output=True, text=True, timeout=120)
    return [int(line) for line in done.stdout.split()]


def kills(bin_dir, count=1000, engine_kills=100):
    for deaths_of_engine in (0, engine_kills):
        print(f"{count} kills of one unit, {deaths_of_engine} of the engine in between", flush=True)
        with Keel(bin_dir, prefix="keel-kills-") as keel:
            stamps = Stamps(keel.root / "stamps")
            keel.write_unit("one", UNIT.format(stamp=keel.bin / "stamp", file=stamps.path))
            keel.start()
            began = stamps.next()
            check("processes at the start", len(began), 1)
            pid, latencies = began[0][0], []
            bare = floor(keel.bin, 200, keel.root)
            for n in range(count):
                if deaths_of_engine and n % (count // deaths_of_engine) == 0:
                    kill_engine(keel)
                died = time.monotonic_ns()
                os.kill(pid, signal.SIGKILL)
                answer = stamps.next()
                if len(answer) != 1:
                    raise Failed(f"death {n} was answered by {len(answer)} processes")
                pid = answer[0][0]
                latencies.append(answer[0][1] - died)
            check("processes begun after the first", count, len(latencies))
            until("the engine answers", keel.answers)
            until("the unit is up", lambda: keel.status()["one"]["status"] == "up")
            unit = keel.status()["one"]
            check("processes beyond the answers", len(stamps.read()), 0)
            check("restarts in status", unit["restarts"], count)
            check("restarts in the metrics", series_sum(keel, "keel_restarts_total"), count)
            check("pid in status", unit["instances"][0]["pid"], pid)
            bare += floor(keel.bin, 200, keel.root)
            ratio = statistics.median(latencies) / statistics.median(bare)
            print(f"  keel  {spread(latencies)}\n  floor {spread(bare)}\n"
                  f"  ratio of medians {ratio:.2f}", flush=True)


def mass(bin_dir, count=500, rounds=3, engine_kills=100):
    print(f"{count} units killed at once, {rounds} rounds, the engine killed "
          f"{engine_kills} times meanwhile", flush=True)
    with Keel(bin_dir, prefix="keel-mass-") as keel:
        stamps = Stamps(keel.root / "stamps")
        for n in range(count):
            keel.write_unit(f"u{n}", UNIT.format(stamp=keel.bin / "stamp", file=stamps.path))
        began = time.monotonic()
        keel.start()
        alive = collect(stamps, count)
        print(f"  all {count} started {time.monotonic() - began:.2f} s after keeld", flush=True)
        for number in range(rounds):
            died = time.monotonic_ns()
            for pid in alive:
                os.kill(pid, signal.SIGKILL)
            if number > 0:
                for _ in range(engine_kills // (rounds - 1)):
                    kill_engine_in_service(keel)
            stamped = collect_stamps(stamps, count)
            alive = [pid for pid, _ in stamped]
            until("all are up", lambda: keel.answers() and all(
                unit["status"] == "up" for unit in keel.status().values()))
            kind = "with engine deaths" if number else "undisturbed"
            took = (max(at for _, at in stamped) - died) / 1e6
            print(f"  round {number + 1} ({kind}): last one back {took:.0f} ms after the kill",
                  flush=True)
            check("restarts in the metrics", series_sum(keel, "keel_restarts_total"),
                  count * (number + 1))
        check("processes beyond the answers", len(stamps.read()), 0)
        pids = sorted(keel.pids().values())
        check("pids in status are those that began last", pids == sorted(alive), True)


def collect_stamps(stamps, count):
    found = []
    while len(found) < count:
        found += stamps.next()
    return found


def collect(stamps, count):
    return [pid for pid, _ in collect_stamps(stamps, count)]


def pss(pid):
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    rows = dict(line.split(":", 1) for line in text.splitlines()[1:])
    return {key: int(rows[key].split()[0]) for key in ("Pss", "Rss", "Pss_Anon")}


def memory(bin_dir, sizes=(1, 100, 500)):
    print("memory of keeper and engine, KiB", flush=True)
    for count in sizes:
        with Keel(bin_dir, prefix="keel-memory-") as keel:
            stamps = Stamps(keel.root / "stamps")
            for n in range(count):
                keel.write_unit(f"u{n}", UNIT.format(stamp=keel.bin / "stamp", file=stamps.path))
            keel.start()
            collect(stamps, count)
            until("all are up", lambda: all(u["status"] == "up" for u in keel.status().values()))
            settled = time.monotonic() + 6  # a heartbeat of the engine, at which it tidies up
            until("what the start took is given back", lambda: time.monotonic() > settled)
            keeper, engine = pss(keel.keeld.pid), pss(keel.engine_pid())
            print(f"  {count:4} units: keeper PSS {keeper['Pss']}, engine PSS {engine['Pss']} "
                  f"(anonymous {engine['Pss_Anon']}, RSS {engine['Rss']})", flush=True)


def usage(pid):
    """CPU time in ms and voluntary context switches, of all threads."""
    switches = sum(int(line.split()[1]) for task in Path(f"/proc/{pid}/task").iterdir()
                   for line in (task / "status").read_text().splitlines()
                   if line.startswith("voluntary_ctxt_switches"))
    schedstat = sum(int((task / "schedstat").read_text().split()[0])
                    for task in Path(f"/proc/{pid}/task").iterdir())
    return schedstat / 1e6, switches


def idle(bin_dir, count=100, seconds=60):
    print(f"{seconds} s with {count} units and nothing to do", flush=True)
    with Keel(bin_dir, prefix="keel-idle-") as keel:
        stamps = Stamps(keel.root / "stamps")
        for n in range(count):
            keel.write_unit(f"u{n}", UNIT.format(stamp=keel.bin / "stamp", file=stamps.path))
        keel.start()
        collect(stamps, count)
        until("all are up", lambda: all(u["status"] == "up" for u in keel.status().values()))
        time.sleep(12)  # until outages have settled and what the start left to do is done
        pids = {"keeper": keel.keeld.pid, "engine": keel.engine_pid()}
        before = {name: usage(pid) for name, pid in pids.items()}
        time.sleep(seconds)
        for name, pid in pids.items():
            cpu, switches = (after - first for after, first in zip(usage(pid), before[name]))
            print(f"  {name}: {cpu:.2f} ms of CPU, {switches} wake-ups", flush=True)


STORIES = {"kills": kills, "mass": mass, "memory": memory, "idle": idle}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=Path)
    parser.add_argument("stories", nargs="*", metavar="STORY")
    wanted = parser.parse_args()
    try:
        for name in wanted.stories or STORIES:
            STORIES[name](wanted.bin)
    except Failed as failure:
        sys.exit(f"survival: {failure}")


if __name__ == "__main__":
    main()
