#!/usr/bin/python3
"""One unit floods its log while another writes a line every 10 ms: what does that cost whom?

    log_flood.py --bin build/release/bin [--gib 1] [--format raw|timestamp]

The flood is numbered lines, rotated at 50 MiB with 10 files kept. Checked, and a run that breaks
one of these ends with exit 1: the log directory never holds more than 11 files' worth, every byte
is counted as kept and none as dropped, the kept files are one unbroken sequence up to the last
line, and no line of the other unit is late by more than 100 ms. Speed and CPU time are printed and
judge nothing: with the flooding program, the bench and keeld on the same processors, they are of
this machine.
"""
import argparse
import json
import os
import re
import select
import sys
import time
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from harness import Failed, Keel  # noqa: E402

MIB = 1 << 20
LATE_MAX = 0.1  # seconds
DISK_MAX = 11 * 50 * MIB + MIB

CLOCK = """import time
while True:
    print(time.time_ns(), flush=True)
    time.sleep(0.01)
"""

FLOOD = """command = ["sh", "-c", "seq 1 {last}; exec tail -f /dev/null"]
[log]
max_size = "50MiB"
keep = 10
format = "{format}"
"""

QUIET = """command = ["/usr/bin/python3", "-c", {program}]
[log]
format = "timestamp"
"""


def size_of_numbers(last):
    """Bytes of the lines 1 to `last`."""
    size, digits = 0, 1
    while 10 ** (digits - 1) <= last:
        size += (min(last, 10 ** digits - 1) - 10 ** (digits - 1) + 1) * (digits + 1)
        digits += 1
    return size


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bytes_below(folder):
    total = 0
    for entry in folder.iterdir():
        try:
            total += entry.stat().st_size
        except FileNotFoundError:
            pass  # rotated away meanwhile
    return total


def lateness(log):
    """For each line of the quiet unit: from its writing to Keel's taking it, in seconds."""
    found = []
    for line in log.read_text().splitlines():
        taken, written = line.split()
        at = datetime.fromisoformat(taken.replace("Z", "+00:00")).timestamp()
        found.append(at - int(written) / 1e9)
    return found


def files_of(folder):
    """Oldest first."""
    rotated = [path for path in folder.iterdir() if re.fullmatch(r"1\.log\.\d+", path.name)]
    return sorted(rotated, key=lambda path: int(path.suffix[1:])) + [folder / "1.log"]


def check_sequence(folder, last):
    """The kept files hold the numbers up to `last` without a hole; how many."""
    expected = None
    for path in files_of(folder):
        with path.open("rb") as file:
            for line in file:
                number = int(line.split()[-1])
                if expected is not None and number != expected:
                    raise Failed(f"{number} follows {expected - 1} in {path.name}")
                first = number if expected is None else first
                expected = number + 1
    if expected != last + 1:
        raise Failed(f"the log ends with {expected - 1}, not with {last}")
    return last - first + 1


def counted(keel, name):
    return int(keel.metrics()[f'{name}{{unit="flood"}}'])


def run(bin_dir, gib, line_format):
    last = 1
    while size_of_numbers(last * 2) < gib * 1024 * MIB:
        last *= 2
    while size_of_numbers(last + (1 << 16)) < gib * 1024 * MIB:
        last += 1 << 16
    total = size_of_numbers(last)
    with Keel(bin_dir, prefix="keel-flood-") as keel:
        keel.write_unit("quiet", QUIET.format(program=json.dumps(CLOCK)))
        keel.write_unit("flood", "enabled = false\n" + FLOOD.format(last=last, format=line_format))
        keel.start()
        keel.wait("quiet")
        engine = keel.engine_pid()
        folder = keel.root / "var/log/keel/flood"
        cpu, began, most = cpu_seconds(engine), time.monotonic(), 0
        keel.run("start", "flood")
        ending = f"{last}\n".encode()
        while True:
            select.select([], [], [], 0.05)
            most = max(most, bytes_below(folder))
            with (folder / "1.log").open("rb") as file:
                file.seek(-min(len(ending), os.fstat(file.fileno()).st_size), os.SEEK_END)
                if file.read() == ending:
                    break
        took = time.monotonic() - began
        cpu = cpu_seconds(engine) - cpu
        late = lateness(keel.root / "var/log/keel/quiet/1.log")
        kept = check_sequence(folder, last)
        until_counted(keel, total)
        report(line_format, total, took, cpu, most, late, kept)
        if most > DISK_MAX:
            raise Failed(f"the log took {most} bytes, {DISK_MAX} at most are allowed")
        if max(late) > LATE_MAX:
            raise Failed(f"a line was late by {max(late):.3f} s")


def until_counted(keel, total):
    """Metrics are some moments old."""
    deadline = time.monotonic() + 10
    while counted(keel, "keel_log_bytes_total") != total:
        if time.monotonic() > deadline:
            raise Failed(f"{counted(keel, 'keel_log_bytes_total')} bytes counted of {total}")
        select.select([], [], [], 0.1)
    if dropped := counted(keel, "keel_log_dropped_bytes_total"):
        raise Failed(f"{dropped} bytes were dropped")


def report(line_format, total, took, cpu, most, late, kept):
    late = sorted(late)
    print(f"{line_format}: {total / MIB:.0f} MiB in {took:.2f} s: {total / 1e6 / took:.0f} MB/s, "
          f"{cpu:.2f} s of CPU, {cpu / (total / (1 << 30)):.2f} s per GiB")
    print(f"  the log took {most / MIB:.0f} MiB at most; its last {kept} lines are unbroken")
    print(f"  {len(late)} lines of the other unit: late by {late[len(late) // 2] * 1e3:.1f} ms "
          f"in the middle, {late[len(late) * 99 // 100] * 1e3:.1f} ms at 99 %, "
          f"{late[-1] * 1e3:.1f} ms at worst")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=Path)
    parser.add_argument("--gib", type=float, default=1)
    parser.add_argument("--format", choices=["raw", "timestamp"], default="raw")
    wanted = parser.parse_args()
    try:
        run(wanted.bin, wanted.gib, wanted.format)
    except Failed as failure:
        sys.exit(f"log_flood: {failure}")


if __name__ == "__main__":
    main()
