#!/usr/bin/python3
"""The metrics of a real keeld: a page that promtool has nothing to say against, what units use,
with control groups and without them, and counters over the end of the engine.
"""
import subprocess

import cgroup
from harness import Keel, check, run_as_test, until

BUSY = """
import os, sys, time
for leaves in (False, True): # one of its children has a session of its own
    if os.fork() == 0:
        if leaves: os.setsid()
        while time.process_time() < 0.2: pass
        time.sleep(1000)
memory = bytearray(32 << 20)
memory[::4096] = b"x" * (len(memory) // 4096)
while time.process_time() < 0.2: pass
open(sys.argv[1], "w").close()
time.sleep(1000)
"""


def of_unit(keel, metric, unit="busy"):
    return keel.metrics()[f'{metric}{{unit="{unit}"}}']


def operations(keel, verb, result="done"):
    return keel.metrics()[f'keel_operations_total{{verb="{verb}",result="{result}"}}']


def promtool_agrees(keel):
    done = subprocess.run(["promtool", "check", "metrics"], input=keel.metrics_text(), text=True,
                          capture_output=True, check=False)
    check(done.returncode == 0 and not done.stderr,
          f"promtool check metrics: {done.stdout}{done.stderr or 'nothing to say'}")


def write_units(keel):
    (keel.root / "busy.py").write_text(BUSY)
    keel.write_unit("busy", f"""
command = ["/usr/bin/python3", "{keel.root}/busy.py", "{keel.root}/done"]
[stop]
timeout = "200ms"
""")
    keel.write_unit("idle", f'command = ["{keel.bin}/puppet", "hang"]')


def use(keel):
    check(of_unit(keel, "keel_unit_cpu_seconds_total", "idle") < 0.2, "an idle unit uses nothing")
    until("it has been busy", (keel.root / "done").exists)
    # The page is up to a second old.
    until("three processes are seen", lambda: of_unit(keel, "keel_unit_processes") == 3)
    until("0.6 s of processor time are seen",
          lambda: of_unit(keel, "keel_unit_cpu_seconds_total") >= 0.5)
    memory = of_unit(keel, "keel_unit_memory_bytes")
    check(32e6 < memory < 400e6, f"its memory is seen: {memory / 1e6:.0f} MB")
    check(of_unit(keel, "keel_unit_processes", "idle") == 1, "the idle unit is one process")
    until("how available it is stands on the page", lambda: 0 <= keel.metrics()[
        'keel_availability_ratio{unit="idle",window="1h"}'] <= 1)


def use_over_engines(keel):
    used = of_unit(keel, "keel_unit_cpu_seconds_total")
    keel.kill_engine()
    after = of_unit(keel, "keel_unit_cpu_seconds_total")
    check(after < used / 2, f"a new engine begins to count anew: {used:.2f} s, then {after:.2f} s")
    until("the processes are seen again", lambda: of_unit(keel, "keel_unit_processes") == 3)


def use_over_a_stop(keel):
    used = of_unit(keel, "keel_unit_cpu_seconds_total")
    keel.run("stop", "busy")
    until("no process is seen", lambda: of_unit(keel, "keel_unit_processes") == 0)
    kept = of_unit(keel, "keel_unit_cpu_seconds_total")
    check(kept >= used, "what was used stays counted")
    (keel.root / "done").unlink()
    keel.run("start", "busy")
    until("it has been busy again", (keel.root / "done").exists)
    until("what it uses now is added",
          lambda: of_unit(keel, "keel_unit_cpu_seconds_total") >= kept + 0.5)


def operations_over_engines(keel):
    check(operations(keel, "stop") == 1 and operations(keel, "start") == 1,
          "one stop and one start were done")
    keel.kill_engine()
    check(operations(keel, "stop") == 1 and operations(keel, "start") == 1,
          "and are not forgotten with the engine")
    check(operations(keel, "restart", "failed") == 0, "a restart that failed there was none")


def use_and_count(bin_dir):
    with Keel(bin_dir, prefix="keel-metrics-") as keel:
        write_units(keel)
        keel.start()
        keel.wait("busy", "idle")
        use(keel)
        promtool_agrees(keel)
        use_over_engines(keel)
        use_over_a_stop(keel)
        operations_over_engines(keel)
        promtool_agrees(keel)


if __name__ == "__main__":
    run_as_test(lambda: cgroup.run_with_and_without(__doc__, use_and_count))
