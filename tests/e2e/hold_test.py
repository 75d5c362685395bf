#!/usr/bin/python3
"""What a person holds stays held: over the engine's death, keeld's end and the host's boot, until
its time is over; and a process that is left running is left alone, whatever its probes say.

A boot is played by ending keeld and emptying what lives on tmpfs, as a boot does.
"""
import os
import shutil
import signal
import time

from harness import Keel, alive, check, read_options, run_as_test, until

REASON = "gdb, ask ann"


def instance(keel, unit="worker"):
    return keel.status()[unit]["instances"][0]


def boot(keel):
    keel.stop()
    shutil.rmtree(keel.root / "run/keel")
    keel.start()


def write_units(keel):
    well = keel.root / "well"
    well.touch()
    for name in ("worker", "other"):
        keel.write_unit(name, f"""
command = ["{keel.bin / 'puppet'}", "hang"]
[stop]
timeout = "1s"
[[probe]]
name = "well"
exec = ["/usr/bin/test", "-e", "{well}"]
role = ["liveness", "readiness"]
interval = "100ms"
failures = 1
""")
    return well


def leave_it_running(keel, well):
    pid = instance(keel)["pid"]
    said = keel.run("hold", "worker", "--reason", REASON, "--running").stdout.strip()
    check(said == "worker: held, its process left running", f"keel hold --running: {said}")
    well.unlink()
    fails = 'keel_probe_verdicts_total{unit="worker",probe="well",verdict="fail"}'
    tried = keel.run("probe", "worker", check=False)
    check(tried.returncode == 1 and "well" in tried.stdout and "fail (exit)" in tried.stdout,
          "`keel probe` tells what a probe finds")
    until("five probes failed", lambda: keel.metrics().get(fails, 0) >= 5)
    check(instance(keel)["pid"] == pid and alive(pid),
          "its liveness fails five times and it is left alone")
    check(keel.metrics()['keel_unit_held{unit="worker"}'] == 1, "the metrics show it")
    keel.kill_engine()
    unit = keel.status()["worker"]
    held = unit["held"]
    check(held["why"] == REASON and held["process"] == "left-running" and
          held["lasts"] == "over-boots" and unit["instances"][0]["pid"] == pid,
          "the engine is killed: held as before, by name, the same process")
    os.kill(pid, signal.SIGKILL)
    until("its end is seen", lambda: instance(keel)["state"] == "blocked")
    why = keel.run("why", "worker").stdout
    check("SIGKILL" in why and "blocked by the hold of" in why and REASON in why,
          "the process dies: nothing follows it, and keel why tells both")
    well.touch()


def over_boots(keel):
    keel.run("stop", "other")
    keel.stop()
    keel.start()
    until("both are held", lambda: [u["status"] for u in keel.status().values()] == ["held"] * 2)
    check(instance(keel)["pid"] is None, "keeld ends in order and begins again: still held")
    boot(keel)
    keel.wait("other")
    check(keel.status()["worker"]["status"] == "held",
          "the host boots: the hold goes on, the stop does not")
    check("still held by" in keel.run("events").stdout, "the events say so")
    keel.run("start", "worker")
    boot(keel)
    keel.wait("worker")
    check(keel.status()["worker"]["held"] is None, "keel start ends it, also for the boot after")


def for_a_while(keel):
    keel.run("hold", "worker", "--reason", "a short break", "--for", "1s", "--no-wait")
    keel.kill_engine()
    keel.wait("worker")
    check("its time is over" in keel.run("events").stdout, "--for 1s: up again by itself, and told")
    keel.run("hold", "worker", "--reason", "over the boot", "--for", "2s")
    over_at = time.monotonic() + 2
    keel.stop()
    shutil.rmtree(keel.root / "run/keel")
    until("its time is over", lambda: time.monotonic() > over_at)
    keel.start()
    keel.wait("worker")
    check(True, "the time is over while the host is off: up after the boot")


def refuse_nonsense(keel):
    for words in (("worker",), ("worker", "--reason", "x", "--for", "5"),
                  ("worker.1", "--reason", "x")):
        said = keel.run("hold", *words, check=False)
        check(said.returncode == 2, f"keel hold {' '.join(words)}: {said.stderr.splitlines()[0]}")


def main():
    with Keel(read_options(__doc__).bin, prefix="keel-hold-") as keel:
        well = write_units(keel)
        keel.start()
        keel.wait("worker", "other")
        refuse_nonsense(keel)
        leave_it_running(keel, well)
        over_boots(keel)
        for_a_while(keel)


if __name__ == "__main__":
    run_as_test(main)
