#!/usr/bin/python3
"""What a scrape costs, with many units.

    scrape.py --bin build/release/bin [--units 1000] [--seconds 20]

Time and bytes of one page after the other; then ten scrapes a second, and what the loop's turns
took meanwhile beside what they took without any. Nothing here judges; figures are printed.
"""
import argparse
import re
import statistics
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from harness import Failed, Keel  # noqa: E402

UNIT = """command = ["{puppet}", "hang"]
[log]
target = "null"
"""
LAG = re.compile(r'keel_loop_lag_seconds_bucket\{le="([^"]+)"\} (\S+)')


def lags(page):
    """{upper bound: turns so far}"""
    return {float(bound): float(count) for bound, count in LAG.findall(page)}


def share_within(before, after, bound):
    turns = after[float("inf")] - before[float("inf")]
    return 100 * (after[bound] - before[bound]) / turns if turns else 100.0


def cpu_of(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def one_by_one(keel, rounds=10):
    took = []
    for _ in range(rounds):
        threading.Event().wait(1.1)  # a page is kept for a second
        began = time.monotonic()
        page = keel.metrics_text()
        took.append(time.monotonic() - began)
    print(f"  a page: {len(page) / 1e6:.2f} MB, {len(page.splitlines())} lines; "
          f"median {1000 * statistics.median(took):.0f} ms, at most {1000 * max(took):.0f} ms")


def under_load(keel, seconds, per_second):
    before = lags(keel.metrics_text())
    used = cpu_of(keel.engine_pid())
    began = time.monotonic()
    took = []
    while time.monotonic() < began + seconds:
        if per_second == 0:
            threading.Event().wait(seconds)
            break
        at = time.monotonic()
        keel.metrics_text()
        took.append(time.monotonic() - at)
        threading.Event().wait(max(0.0, 1 / per_second - took[-1]))
    used = 100 * (cpu_of(keel.engine_pid()) - used) / (time.monotonic() - began)
    threading.Event().wait(1.1)
    after = lags(keel.metrics_text())
    slowest = max((bound for bound in after if after[bound] - before[bound] <
                   after[float("inf")] - before[float("inf")]), default=0)
    waits = f", {1000 * statistics.median(took):.1f} ms median" if took else ""
    print(f"  {per_second} scrapes a second{waits}: {used:.1f} % of a processor; turns of the loop "
          f"within 1 ms {share_within(before, after, 0.001):.2f} %, within 10 ms "
          f"{share_within(before, after, 0.01):.2f} %, some beyond {1000 * slowest:g} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, type=Path)
    parser.add_argument("--units", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=20)
    options = parser.parse_args()
    with Keel(options.bin, prefix="keel-scrape-") as keel:
        for number in range(options.units):
            keel.write_unit(f"unit-{number}", UNIT.format(puppet=keel.bin / "puppet"))
        keel.start()
        keel.run("wait", *(f"unit-{number}" for number in range(options.units)), "--for", "ready",
                 "--timeout", "120s", patience=130)
        print(f"{options.units} units")
        one_by_one(keel)
        under_load(keel, options.seconds, 0)
        under_load(keel, options.seconds, 10)


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"scrape: {failure}")
