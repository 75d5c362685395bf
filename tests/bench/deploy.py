"""What a large deployment costs the engine: how late its loop is meanwhile, what its memory grows
by, and how long it takes beside what anybody would do by hand: copy the archive, check its digest,
unpack it and have it on the disk.

    deploy.py --bin build/release/bin [--megabytes 500] [--files 2000] [--rounds 3]
"""
import os
import re
import shutil
import statistics
import sys
import tarfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from deploying import Deployed  # noqa: E402
from harness import Failed, Keel, read_options, run_as_test  # noqa: E402

PAGE = os.sysconf("SC_PAGE_SIZE")


class Memory(threading.Thread):
    """The largest resident size of a process, looked at a hundred times a second."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.path = Path(f"/proc/{pid}/statm")
        self.before = self.largest = self.look()
        self.ended = threading.Event()
        self.start()

    def look(self):
        return int(self.path.read_text().split()[1]) * PAGE

    def run(self):
        while not self.ended.wait(0.01):
            self.largest = max(self.largest, self.look())

    def stop(self):
        self.ended.set()
        self.join()
        return self.largest - self.before


def turns(keel):
    """How many turns of the loop there were so far, and how many of them within each bound."""
    metrics = keel.metrics()
    buckets = {float(bound): count for series, count in metrics.items() for bound in
               re.findall(r'keel_loop_lag_seconds_bucket\{le="([0-9.e+-]+)"\}', series)}
    return metrics["keel_loop_lag_seconds_count"], buckets


def longest(before, after):
    """The bucket that the longest turn in between was in: its upper bound."""
    total = after[0] - before[0]
    for bound in sorted(after[1]):
        if after[1][bound] - before[1][bound] == total:
            return bound
    return float("inf")


def by_hand(archive, folder):
    """The same with cp, sha256sum, tar and sync."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    began = time.monotonic()
    script = (f"cp {archive} {folder}/archive && sync {folder}/archive && "
              f"sha256sum {folder}/archive > /dev/null && mkdir {folder}/tree && "
              f"tar -x -C {folder}/tree -f {folder}/archive && sync -f {folder}")
    if os.system(script) != 0:
        raise Failed("tar failed")
    return time.monotonic() - began


def alone(archive, folder):
    """Nothing but `tar x`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    began = time.monotonic()
    if os.system(f"tar -x -C {folder} -f {archive}") != 0:
        raise Failed("tar failed")
    return time.monotonic() - began


def main():
    options = read_options(__doc__, megabytes=500, files=2000, rounds=3)
    with Keel(options.bin) as keel:
        deployed = Deployed(keel)
        deployed.pack("small")
        keel.start()
        deployed.deploy("small")
        times, hands, tars, growths, worst = [], [], [], [], 0.0
        for k in range(options.rounds):
            release = f"large-{k}"
            deployed.pack(release)
            archive = deployed.archives / f"app-{release}.tar"
            with tarfile.open(archive, "a") as more:
                for n in range(options.files):
                    deployed.add(more, f"data/{n % 50}/{n}",
                                 os.urandom((options.megabytes << 20) // options.files))
            tars.append(alone(archive, keel.root / "alone"))
            hands.append(by_hand(archive, keel.root / "by-hand"))
            before, memory = turns(keel), Memory(keel.engine_pid())
            began = time.monotonic()
            answer = deployed.deploy(release)
            times.append(time.monotonic() - began - 0.2)  # without its trial
            growths.append(memory.stop())
            worst = max(worst, longest(before, turns(keel)))
            if not answer or answer["outcome"] != "done":
                raise Failed(f"{release}: {answer}")
            archive.unlink()
        middle = statistics.median
        print(f"{options.megabytes} MiB in {options.files} files, {options.rounds} rounds, medians")
        print(f"  keel deploy, without its trial    {middle(times):6.2f} s")
        print(f"  cp, sha256sum, tar x, sync        {middle(hands):6.2f} s   "
              f"ratio {middle(times) / middle(hands):.2f}")
        print(f"  tar x, nothing safe on the disk   {middle(tars):6.2f} s   "
              f"ratio {middle(times) / middle(tars):.2f}")
        print(f"  every turn of the loop within     {worst * 1000:6.1f} ms")
        print(f"  the engine's memory grew by at most {max(growths) / 2**20:.2f} MiB")


if __name__ == "__main__":
    run_as_test(main)
