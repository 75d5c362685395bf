#!/usr/bin/python3
"""A webhook receiver that is away for a minute, while units fail and engines die: what arrives
afterwards, in which order, under which ids.

    tests/bench/deaf_receiver.py --bin build/release/bin [--down 60] [--outages 300] [--units 3]
        [--engine-kills 2]

A channel keeps the latest 1000 news: no more than 500 outages.
"""
import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
from channel_test import Receiver  # noqa: E402
from harness import Failed, Keel, until  # noqa: E402

TOML = """
[channel.ops]
kind = "webhook"
target = "http://127.0.0.1:{port}/"
quiet = "0s"

[defaults]
notify = ["ops"]
"""
UNIT = """
command = "sleep 1000"
[restart]
delay = "20ms"
jitter = 0.0
stable_after = "0s"
[outage]
settle = "10ms"
"""


def outage(keel, unit):
    pid = keel.pids()[unit]
    os.kill(pid, 9)
    until(f"the outage of {unit} is over", lambda: (keel.pids()[unit] or pid) != pid and
          keel.status()[unit]["outage"] is None)


def fail_for(keel, units, wanted):
    """The outages, spread over the time, one after the other. Their units, in order."""
    begun, failed, killed = time.monotonic(), [], 0
    while len(failed) < wanted.outages:
        if killed < len(failed) * (wanted.engine_kills + 1) // wanted.outages:
            keel.kill_engine()
            killed += 1
        failed.append(units[len(failed) % len(units)])
        outage(keel, failed[-1])
        # What is shown is a minute, so this much is by time.
        until("the next one is due", lambda: time.monotonic() - begun >=
              wanted.down * len(failed) / wanted.outages)
    return failed, time.monotonic() - begun


def judge(failed, got):
    """At least once, in order, each under an id of its own that is the same each time."""
    wanted = [(unit, event) for unit in failed for event in ("outage-opened", "recovered")]
    first = {}
    for each in got:
        known = first.setdefault(each["id"], each)
        if known != each:
            raise Failed(f"two things under one id: {known} and {each}")
    told = [(each["unit"], each["event"]) for each in first.values()]
    if sorted(told) != sorted(wanted):
        missing = [each for each in wanted if told.count(each) < wanted.count(each)]
        raise Failed(f"{len(wanted)} news were to come, {len(told)} came; missing: {missing[:5]}")
    if told != wanted:
        at = next(i for i, pair in enumerate(zip(told, wanted)) if pair[0] != pair[1])
        raise Failed(f"not in order from {at} on: {told[at]} instead of {wanted[at]}")
    return len(wanted), len(got) - len(first)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--down", type=float, default=60)
    parser.add_argument("--outages", type=int, default=300)
    parser.add_argument("--units", type=int, default=3)
    parser.add_argument("--engine-kills", type=int, default=2)
    wanted = parser.parse_args()
    receiver = Receiver()
    receiver.leave()
    with Keel(wanted.bin, "keel-deaf-") as keel:
        (keel.root / "etc/keel/keel.toml").write_text(TOML.format(port=receiver.port))
        units = [f"unit-{n}" for n in range(wanted.units)]
        for unit in units:
            keel.write_unit(unit, UNIT)
        keel.start()
        keel.wait(*units)
        failed, away = fail_for(keel, units, wanted)
        receiver.come_back()
        back = time.monotonic()
        until("everything has arrived",
              lambda: len({each["id"] for each in receiver.got}) >= 2 * len(failed), patience=600)
        took = time.monotonic() - back
        count, twice = judge(failed, receiver.got)
        print(f"{away:.0f} s away, {len(failed)} outages, {wanted.engine_kills} engines "
              f"killed: all {count} news arrived in order, {twice} of them twice, the last one "
              f"{took:.1f} s after the receiver came back")


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"FAILED: {failure}")
