#!/usr/bin/python3
"""A changed configuration is put in force, as a whole or not at all: what does not change is not
touched, what does not prove itself is taken back, and an engine that dies in the middle leaves one
whole configuration in force.
"""
import os
import signal
import subprocess
from pathlib import Path

from harness import Keel, alive, check, read_options, run_as_test, until


def command(keel, *words):
    return f'command = {[str(keel.bin / "puppet"), *words]}\n[stop]\ntimeout = "1s"\n'


def in_force(keel):
    link = keel.root / "var/lib/keel/generations/current"
    return os.readlink(link)


def environment_of(pid):
    return dict(item.split("=", 1) for item in
                Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0") if "=" in item)


def only_what_changes(keel):
    before = keel.pids()
    keel.write_unit("api", 'environment = { RELEASE = "2" }\n' + command(keel, "hang"))
    plan = keel.run("plan").stdout
    check("environment.RELEASE" in plan and "restart" in plan, "keel plan shows what would change")
    check(plan.endswith("in this order\n  1. restart api\n"), "and in which order")
    check([n for n, unit in keel.status().items() if unit["changed_on_disk"]] == ["api"],
          "keel status says that it has changed on disk")
    said = keel.run("apply").stdout.splitlines()
    check(said == ["api (restart)", "generation 2 is in force"], f"keel apply: {said}")
    after = keel.pids()
    check(after["api"] != before["api"] and environment_of(after["api"])["RELEASE"] == "2",
          "the unit that changed runs anew")
    check(after["other"] == before["other"], "the other one was not touched")
    check(keel.run("plan").stdout == "nothing changes\n", "keel plan has nothing left")
    check(not any(unit["changed_on_disk"] for unit in keel.status().values()),
          "and keel status nothing either")
    metrics = keel.metrics()
    check(metrics["keel_config_last_apply_success"] == 1, "the metrics show it")
    outage = keel.run("outages").stdout
    check("apply of" in outage and "planned" in outage, "its short outage is a planned one")


def take_back_what_crashes(keel):
    before = keel.pids()
    keel.write_unit("api", command(keel, "exit", "3"))
    keel.write_unit("new", command(keel, "hang"))
    said = keel.run("apply", check=False)
    check(said.returncode == 1 and "reverted" in said.stderr and "api: exit 3" in said.stderr,
          f"the new command crashes: {said.stderr.splitlines()[0]}")
    keel.wait("api")
    after = keel.pids()
    check(environment_of(after["api"])["RELEASE"] == "2", "what ran before runs")
    check("new" not in after and after["other"] == before["other"], "and nothing else")
    check(in_force(keel) == "2", "the generation in force is the former one")
    until("the metrics show it",
          lambda: keel.metrics()["keel_config_last_apply_success"] == 0)
    said = keel.run("apply", "--keep", check=False)
    check(said.returncode == 1 and "stays in force" in said.stderr and in_force(keel) == "3",
          f"--keep: {said.stderr.splitlines()[0]}")
    check(keel.status()["new"]["status"] == "up", "and what else was new is up")


def go_back(keel):
    said = keel.run("apply", "--revert").stdout
    check("generation 2 is in force" in said, "--revert: the former generation")
    check("new" not in keel.pids() and environment_of(keel.pids()["api"])["RELEASE"] == "2",
          "with all that was in it")
    said = keel.run("apply", "--revert", "1").stdout
    check("generation 1 is in force" in said and
          "RELEASE" not in environment_of(keel.pids()["api"]), "--revert 1: that one")
    said = keel.run("apply", "--revert", "99", check=False)
    check(said.returncode == 1 and "there are: 1, 2, 3" in said.stderr, said.stderr.splitlines()[0])


def heed_environment_files(keel):
    secrets = keel.root / "secrets"
    secrets.write_text("TOKEN=first\n")
    keel.write_unit("secret", f'environment_files = ["{secrets}"]\n' + command(keel, "hang"))
    keel.run("apply")
    secrets.write_text("TOKEN=second\n")
    plan = keel.run("plan").stdout
    check("environment_files" in plan and "1. restart secret" in plan and "second" not in plan,
          "keel plan sees what is new in an environment file, and keeps it to itself")
    check(keel.status()["secret"]["changed_on_disk"], "keel status sees it, too")
    keel.run("apply")
    check(environment_of(keel.pids()["secret"])["TOKEN"] == "second", "keel apply restarts for it")
    check(keel.run("plan").stdout == "nothing changes\n", "and then nothing is left")
    (keel.units / "secret.toml").unlink()
    keel.run("apply")


def refuse_what_has_problems(keel):
    before = keel.pids()
    keel.write_unit("api", 'comand = "x"\n')
    keel.write_unit("other", 'command = ["/no/such/program"]\n')
    said = keel.run("apply", check=False)
    check(said.returncode == 1 and "api.toml:1:1" in said.stderr and
          "/no/such/program" in said.stderr and "nothing was changed" in said.stderr,
          "every problem is told, with its place")
    check(keel.pids() == before, "and nothing is touched")
    (keel.units / "new.toml").unlink()
    keel.write_unit("other", command(keel, "hang"))


def live_and_by_signal(keel):
    before = keel.pids()
    keel.write_unit("api", "instances = 3\n" + command(keel, "hang"))
    keel.keeld.send_signal(signal.SIGHUP)
    until("the three instances are up", lambda: keel.status()["api"]["ready"] == 3)
    until("it is in force", lambda: in_force(keel) not in ("1", "2", "3"))
    check(keel.pids()["api.1"] == before["api"], "SIGHUP: two more instances, and no restart")


def die_in_the_middle(keel):
    generation = in_force(keel)
    before = keel.pids()
    keel.write_unit("api", 'environment = { RELEASE = "9" }\ninstances = 3\n' +
                    command(keel, "hang"))
    keel.write_unit("new", command(keel, "hang"))
    asked = subprocess.Popen([keel.bin / "keel", "--root", keel.root, "apply"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    until("all three have been restarted",
          lambda: not set(before.values()) & {p for n, p in keel.pids().items() if "api" in n} and
          keel.status()["api"]["ready"] == 3)
    stranger = keel.pids()["new"]
    engine = keel.engine_pid()
    os.kill(engine, signal.SIGKILL)
    said = asked.communicate(timeout=30)[1]
    check(asked.returncode == 5 and "undone" in said, f"the client: {said.splitlines()[-1]}")
    until("the next engine has put it right",
          lambda: keel.engine_pid() not in (None, engine) and keel.answers() and
          keel.status()["api"]["ready"] == 3 and
          all("RELEASE" not in environment_of(p) for n, p in keel.pids().items() if p and
              "api" in n))
    check(in_force(keel) == generation and "new" not in keel.pids(),
          "the former generation is in force, whole")
    until("what was new is gone", lambda: not alive(stranger))
    check(keel.pids()["other"] == before["other"], "what did not change was never touched")


def main():
    with Keel(read_options(__doc__).bin, prefix="keel-apply-") as keel:
        for name in ("api", "other"):
            keel.write_unit(name, command(keel, "hang"))
        keel.start()
        keel.wait("api", "other")
        only_what_changes(keel)
        take_back_what_crashes(keel)
        go_back(keel)
        refuse_what_has_problems(keel)
        live_and_by_signal(keel)
        die_in_the_middle(keel)
        heed_environment_files(keel)


if __name__ == "__main__":
    run_as_test(main)
