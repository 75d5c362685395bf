#!/usr/bin/python3
"""What `keel stop` leaves behind: nothing.

The service ignores SIGTERM and has relatives of every kind: a child in its group, one in a session
of its own, one that double-forked, and one that besides closed its descriptors and lost its
environment. It is stopped by the client, in a cgroup and without one, and also after the engine
that started it is gone.
"""
import os
import signal

import cgroup
from harness import Failed, Keel, alive, run_as_test, until

KINDS = ("fork", "session", "daemon", "bare-daemon")


def family(keel):
    """The pids of the main process and all its relatives, once each has told its own."""
    files = [keel.root / "family" / kind for kind in (*KINDS, "main")]
    until("the whole family lives", lambda: all(file.exists() for file in files))
    return {file.name: int(file.read_text()) for file in files}


def write_stubborn(keel, stop_timeout):
    folder = keel.root / "family"
    folder.mkdir(exist_ok=True)
    words = ["ignore", "15"]
    for kind in KINDS:
        words += [kind, folder / kind]
    command = ", ".join(f'"{word}"' for word in [keel.bin / "puppet", *words, "pid",
                                                 folder / "main", "hang"])
    keel.write_unit("stubborn", f'command = [{command}]\n[stop]\ntimeout = "{stop_timeout}"\n')


def check_none_lives(pids, when):
    left = {name: pid for name, pid in pids.items() if alive(pid)}
    if left:
        raise Failed(f"{when}: still alive: {left}")
    print(f"  ok  {when}: none of {len(pids)} processes lives", flush=True)


def stop_it_all(keel):
    write_stubborn(keel, "300ms")
    keel.start()
    keel.wait("stubborn")
    pids = family(keel)
    said = keel.run("stop", "stubborn").stdout.strip()
    print(f"  keel stop stubborn: {said}")
    check_none_lives(pids, "after keel stop")
    unit = keel.status()["stubborn"]
    if unit["status"] != "held":
        raise Failed(f"a stopped unit that is enabled is held, not {unit['status']}")


def stop_what_another_engine_started(keel):
    for file in (keel.root / "family").iterdir():
        file.unlink()
    keel.run("start", "stubborn")
    pids = family(keel)
    before = keel.engine_pid()
    os.kill(before, signal.SIGKILL)
    until("the next engine answers",
          lambda: keel.engine_pid() not in (None, before) and keel.answers())
    known = keel.status()["stubborn"]["instances"][0]["pid"]
    if known != pids["main"]:
        raise Failed(f"the next engine knows pid {known}, not {pids['main']}")
    keel.run("stop", "stubborn")
    check_none_lives(pids, "after the engine was killed, and keel stop")


def name_the_operation_in_the_way(keel):
    """Two persons: the second is told, by exit code and in words, what is in the way."""
    write_stubborn(keel, "10m")
    for file in (keel.root / "family").iterdir():
        file.unlink()
    keel.stop()
    keel.start()
    keel.run("start", "stubborn")  # the hold outlived keeld
    pids = family(keel)
    keel.run("stop", "stubborn", "--no-wait")
    refused = keel.run("start", "stubborn", check=False)
    if refused.returncode != 6 or "stop" not in refused.stderr:
        raise Failed(f"a conflict is exit 6 and names what is in the way, not "
                     f"{refused.returncode}: {refused.stdout}{refused.stderr}")
    print(f"  ok  conflict: {refused.stderr.strip()}", flush=True)
    os.kill(pids["main"], signal.SIGKILL)
    until("it is stopped",
          lambda: keel.status()["stubborn"]["instances"][0]["state"] == "stopped")
    check_none_lives(pids, "after its main process was killed meanwhile")


def stop_each_way(bin_dir):
    with Keel(bin_dir, prefix="keel-stop-") as keel:
        stop_it_all(keel)
        stop_what_another_engine_started(keel)
        name_the_operation_in_the_way(keel)


if __name__ == "__main__":
    run_as_test(lambda: cgroup.run_with_and_without(__doc__, stop_each_way))
