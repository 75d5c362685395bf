#!/usr/bin/python3
"""Hooks around real starts and stops: in their order, as the unit's user, killed as a whole at
their limit, and neither lost nor run twice when the engine dies beside them.
"""
import json
import os
import pwd
import signal

from harness import Failed, Keel, alive, read_options, run_as_test, until


class Unit:
    """A unit whose processes write a line each to one file."""

    def __init__(self, keel, name, *lines, **hooks):
        self.keel = keel
        self.name = name
        self.folder = keel.root / name
        self.folder.mkdir()
        self.folder.chmod(0o777)
        self.trace = self.folder / "trace"
        script = "; ".join(["echo main $$ >> trace", "exec sleep 1000"])
        text = [*lines, f"directory = '{self.folder}'", f"command = ['/bin/sh', '-c', '{script}']"]
        if os.getuid() == 0:
            text.append("user = 'nobody'")
        for section in ("start", "stop", "reload"):
            text.append(f"[{section}]")
            for key, value in hooks.items():
                if not key.startswith(section + "_"):
                    continue
                word = key.removeprefix(section + "_")
                text.append(f"timeout = '{value}'" if word == "timeout"
                            else f"{word} = ['/bin/sh', '-c', '{value}']")
        keel.write_unit(name, "\n".join(text) + "\n")

    def lines(self):
        return self.trace.read_text().splitlines() if self.trace.exists() else []

    def words(self):
        return [line.split()[0] for line in self.lines()]

    def wait_for(self, word):
        until(f"{self.name} has come to {word}", lambda: word in self.words())

    def pid_of(self, word):
        """The last pid that was written behind this word."""
        return next(int(line.split()[1]) for line in reversed(self.lines())
                    if line.split()[0] == word)

    def expect(self, *words):
        if self.words() != list(words):
            raise Failed(f"{self.name}: {self.words()} instead of {list(words)}")
        print(f"  ok  {self.name}: {' '.join(words)}", flush=True)


NOTE = "echo $KEEL_HOOK $MAINPID >> trace"


def run_in_order(keel):
    # Ready is what runs, which may be before it has written its line.
    after_main = "until grep -q main trace; do sleep 0.01; done; "
    unit = Unit(keel, "ordered", start_pre=NOTE, start_post=after_main + NOTE + "; id -un > who",
                stop_pre=NOTE, stop_post=NOTE)
    keel.run("apply")
    keel.wait("ordered")
    unit.wait_for("start.post")
    until("start.post has told who it is", lambda: (unit.folder / "who").exists())
    if unit.pid_of("start.post") != unit.pid_of("main"):
        raise Failed("start.post is told the pid of the process")
    user = pwd.getpwuid(os.getuid()).pw_name if os.getuid() else "nobody"
    until("start.post runs as the unit does",
          lambda: (unit.folder / "who").read_text().strip() == user)
    keel.run("stop", "ordered")
    unit.expect("start.pre", "main", "start.post", "stop.pre", "stop.post")
    if unit.pid_of("stop.pre") != unit.pid_of("main"):
        raise Failed("stop.pre is told the pid of the process")


def fail_a_start(keel):
    unit = Unit(keel, "unprepared", start_pre=NOTE + "; exit 3", stop_post=NOTE)
    keel.run("apply", "--keep", check=False)
    until("start.pre has failed twice", lambda: unit.words().count("start.pre") >= 2)
    why = keel.run("why", "unprepared", check=False).stdout
    if "start.pre: exit 3" not in why:
        raise Failed(f"why does not tell of start.pre:\n{why}")
    keel.run("stop", "unprepared")
    if "main" in unit.words():
        raise Failed("what start.pre forbids is started all the same")
    if unit.words()[-1] != "stop.post":
        raise Failed(f"stop.post comes last, not {unit.words()[-1]}")
    print("  ok  unprepared: never started, and why says so", flush=True)


def kill_a_hook_at_its_limit(keel):
    hang = "sleep 1000 & echo child $! >> trace; setsid sleep 1001 & echo other $! >> trace; wait"
    unit = Unit(keel, "hanging", stop_pre=hang, stop_timeout="1s", stop_post=NOTE)
    keel.run("apply")
    keel.wait("hanging")
    unit.wait_for("main")
    keel.run("stop", "hanging")
    unit.expect("main", "child", "other", "stop.post")
    for word in ("main", "child", "other"):
        if alive(unit.pid_of(word)):
            raise Failed(f"{word} of {unit.name} still lives")
    if "stop.pre: not over within 1s" not in keel.run("events", "-n", "1000").stdout:
        raise Failed("nobody is told that stop.pre was killed")


def reload_it(keel):
    unit = Unit(keel, "reloaded", reload_command=NOTE)
    keel.write_unit("signalled", "command = ['/bin/sh', '-c', "
                    f"'trap \"echo hup >> {unit.folder}/signal\" HUP; "
                    "while :; do sleep 0.05; done']\n[reload]\nsignal = 'HUP'\n")
    keel.run("apply")
    keel.wait("reloaded", "signalled")
    unit.wait_for("main")
    keel.run("reload", "reloaded", "signalled")
    unit.expect("main", "reload")
    if unit.pid_of("reload") != unit.pid_of("main") or not alive(unit.pid_of("main")):
        raise Failed("the process that is reloaded is the one that goes on")
    until("the signal has come", lambda: (unit.folder / "signal").exists())
    refused = keel.run("reload", "other", check=False)
    if refused.returncode != 1 or "no [reload]" not in refused.stdout + refused.stderr:
        raise Failed(f"a unit without [reload]: {refused}")


def lose_the_engine(keel):
    """A hook ends only once its gate is there, and in between the engine does."""
    gate = "until [ -e {} ]; do sleep 0.05; done"
    unit = Unit(keel, "orphaned", "enabled = false",
                start_pre=NOTE + "; " + gate.format("prepared"),
                stop_pre=NOTE + "; " + gate.format("drained"), stop_post=NOTE)

    keel.run("apply")
    keel.run("start", "orphaned", "--no-wait")
    unit.wait_for("start.pre")
    keel.kill_engine()
    (unit.folder / "prepared").touch()
    keel.wait("orphaned")
    unit.wait_for("main")
    unit.expect("start.pre", "main")
    keel.run("stop", "orphaned", "--no-wait")
    unit.wait_for("stop.pre")
    keel.kill_engine()
    if not alive(unit.pid_of("main")):
        raise Failed("the process is stopped before stop.pre is over")
    (unit.folder / "drained").touch()
    unit.wait_for("stop.post")
    unit.expect("start.pre", "main", "stop.pre", "stop.post")
    until("it is held", lambda: keel.status()["orphaned"]["instances"][0]["state"] == "stopped")


def run_the_ladder(keel):
    """A hook of keel.toml: as keeld's own user, once, told why, killed at its limit, taken over."""
    out = keel.root / "ladder"
    out.mkdir()
    script = out / "page"
    script.write_text("#!/bin/sh\n"
                      f"cd {out}\n"
                      "echo \"$KEEL_UNIT $KEEL_HOOK ${KEEL_INSTANCE-none} $(id -u)\" >> who\n"
                      "echo \"$KEEL_REASON\" >> why\n"
                      "echo paging somebody\n"
                      "until [ -e gate ]; do sleep 0.05; done\n"
                      "exit $(cat gate)\n")
    script.chmod(0o755)
    daemon = keel.units.parent / "keel.toml"
    text = "enabled = false\ncommand = 'sh -c \"sleep 0.05; exit 7\"'\n" \
           "[restart]\ndelay = '10ms'\n" \
           "[escalation]\nfailures = 3\nladder = ['restart', 'run:page', 'give-up']\n"
    if os.getuid() == 0:
        text = "user = 'nobody'\n" + text
    keel.write_unit("paged", text)
    refused = keel.run("check", check=False)
    if refused.returncode != 1 or "there is no hook `page`" not in refused.stdout:
        raise Failed(f"a hook that does not exist: {refused}")
    daemon.write_text(f"[hook.page]\ncommand = '{script}'\n")
    keel.run("apply")
    keel.run("start", "paged", "--no-wait")

    until("the hook runs", lambda: (out / "why").exists() and (out / "why").read_text())
    expected = f"paged page none {os.getuid()}"
    if (out / "who").read_text().split("\n")[0] != expected:
        raise Failed(f"the hook is told {(out / 'who').read_text()} and not {expected}")
    if "3 failures within" not in (out / "why").read_text():
        raise Failed(f"the hook is told why: {(out / 'why').read_text()}")
    why = keel.run("why", "paged", check=False).stdout
    if "its hook page has been running for" not in why:
        raise Failed(f"why does not tell of the hook:\n{why}")
    if keel.status()["paged"]["rung"] != "run:page":
        raise Failed("status shows another rung")

    engine = keel.engine_pid()
    os.kill(engine, signal.SIGKILL)
    until("another engine runs", lambda: keel.engine_pid() not in (None, engine))
    until("it answers", keel.answers)
    (out / "gate").write_text("4")
    until("a hook that fails makes it climb on",
          lambda: keel.status()["paged"]["status"] == "failed")
    if len((out / "who").read_text().splitlines()) != 1:
        raise Failed("the hook ran more than once")
    outage = next(o for o in json.loads(keel.run("outages", "--json").stdout)["outages"]
                  if o["unit"] == "paged")
    told = [a["result"] for a in outage["actions"] if a["action"] == "run:page"]
    if told != ["exit 4"]:
        raise Failed(f"the outage tells of the hook: {told}")
    if "paging somebody" not in keel.run("logs", "paged", "-n", "100").stdout:
        raise Failed("what the hook says is in the unit's log")

    daemon.write_text(f"[hook.page]\ncommand = '{script}'\ntimeout = '300ms'\n")
    plan = keel.run("plan").stdout
    if 'hook.page.timeout: "30s" -> "300ms"   [live]' not in plan:
        raise Failed(f"plan does not show that the hook changes:\n{plan}")
    (out / "gate").unlink()
    keel.run("stop", "paged")  # What was given up would not pass the apply's trial.
    keel.run("apply")
    keel.run("start", "paged", "--no-wait")
    until("a hook that hangs is killed", lambda: "run:page failed after"
          in keel.run("events", "-n", "20").stdout and "not over within 300ms"
          in keel.run("events", "-n", "20").stdout)
    keel.run("stop", "paged")
    print("  ok  paged: its ladder ran a hook, and told of it", flush=True)


def main():
    os.environ["KEEL_APPLY_TRIAL"] = "100ms"
    with Keel(read_options().bin, "keel-hooks-") as keel:
        keel.write_unit("other", "command = 'sleep 1000'\n")
        keel.start()
        run_in_order(keel)
        fail_a_start(keel)
        kill_a_hook_at_its_limit(keel)
        reload_it(keel)
        lose_the_engine(keel)
        run_the_ladder(keel)


if __name__ == "__main__":
    run_as_test(main)
