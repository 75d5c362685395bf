#!/usr/bin/python3
"""People are told by a command: what it finds, that it is tried again until it succeeds, that one
that hangs is ended with all that it started, that neither keeld's end nor an engine's death loses
what it was to tell or leaves anything of it. And that channels follow the configuration in force.
"""
import json
import os

from harness import Keel, check, descendants, read_options, run_as_test, until

# What is there decides what it does; each of its files is about one channel.
SCRIPT = """#!/bin/sh
cd {root}
test "$1" = "$KEEL_UNIT" || echo "$1 is not $KEEL_UNIT" >> "mistakes"
echo "$KEEL_ID" >> "$KEEL_CHANNEL.tries"
if test -e "$KEEL_CHANNEL.hangs"; then
    sleep 98765 &
    wait
fi
if test -e "$KEEL_CHANNEL.leaves"; then
    setsid sleep 98765 &
fi
if test -e "$KEEL_CHANNEL.fails"; then
    echo "nobody listens"
    exit 3
fi
echo "$KEEL_EVENT $KEEL_UNIT $KEEL_TEXT" >> "$KEEL_CHANNEL.variables"
cat >> "$KEEL_CHANNEL.told"
"""
CHANNEL = """
[channel.{name}]
kind = "exec"
command = ["{root}/tell", "{{unit}}"]
timeout = "{timeout}"
quiet = "0s"
"""
DEFAULTS = """
[defaults]
notify = [{names}]
"""
UNIT = """
command = "{command}"
[restart]
delay = "20ms"
jitter = 0.0
stable_after = "0s"
[start]
timeout = "1s"
[outage]
settle = "10ms"
"""


class Told:
    """What the commands of one channel have left."""

    def __init__(self, keel, name):
        self.keel, self.name = keel, name

    def _lines(self, what):
        path = self.keel.root / f"{self.name}.{what}"
        return path.read_text().splitlines() if path.exists() else []

    def news(self):
        return [json.loads(line) for line in self._lines("told")]

    def variables(self):
        return self._lines("variables")

    def tries(self):
        return self._lines("tries")

    def events(self):
        return [(each["unit"], each["event"]) for each in self.news()]

    def may(self, what, does=True):
        path = self.keel.root / f"{self.name}.{what}"
        path.touch() if does else path.unlink()


def configure(keel, *names, timeout="10m"):
    text = "".join(CHANNEL.format(name=name, root=keel.root, timeout=timeout) for name in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    (keel.root / "etc/keel/keel.toml").write_text(text + DEFAULTS.format(names=quoted))


def outage(keel, unit="web"):
    pid = keel.pids()[unit]
    os.kill(pid, 9)
    until("the outage is over", lambda: (keel.pids()[unit] or pid) != pid and
          keel.status()[unit]["outage"] is None)


def sleepers():
    return [pid for pid, name in descendants().items()
            if name == "sleep" and "98765" in command_line(pid)]


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def tell(keel, told):
    outage(keel)
    until("both are told", lambda: told.events() == [("web", "outage-opened"),
                                                      ("web", "recovered")])
    down, up = told.news()
    check(down["outage"] == up["outage"] and down["unit_is"] == "down" and up["unit_is"] == "up",
          "what is told stands on its standard input")
    check(told.variables()[0] == f"outage-opened web {down['text']}", told.variables()[0])
    check(told.tries() == [down["id"], up["id"]], "with its id, and once")


def end_what_it_leaves(keel, told):
    told.may("leaves")
    before = len(told.news())
    outage(keel)
    until("both are told", lambda: len(told.news()) == before + 2)
    told.may("leaves", False)
    until("nothing of it is left", lambda: not sleepers())
    check(True, "what it leaves running is ended")


def try_again(keel, told):
    told.may("fails")
    before = len(told.news())
    outage(keel)
    until("it has failed", lambda: "channel page: exit 3: nobody listens" in keel.log.read_text())
    check(len(told.news()) == before, "what fails is no delivery, and keeld's log says why")
    told.may("fails", False)
    until("both are told", lambda: len(told.news()) == before + 2)
    check(told.events()[-2:] == [("web", "outage-opened"), ("web", "recovered")],
          "it is tried again, and the order stays")


def end_what_hangs(keel, told):
    configure(keel, "page", timeout="300ms")
    keel.run("apply")
    told.may("hangs")
    before = len(told.news())
    outage(keel)
    until("its time is over",
          lambda: "channel page: not over within 300ms" in keel.log.read_text())
    tries = len(told.tries())
    until("it is tried again", lambda: len(told.tries()) > tries)
    check(len(sleepers()) <= 1, "one that hangs is ended with what it started")
    told.may("hangs", False)
    until("both are told", lambda: len(told.news()) == before + 2)
    until("nothing of it is left", lambda: not sleepers())
    configure(keel, "page")
    keel.run("apply")


def outlive_the_engine(keel, told):
    told.may("hangs")
    before, tries = len(told.news()), len(told.tries())
    outage(keel)
    until("it runs", lambda: len(told.tries()) > tries and sleepers())
    old = sleepers()
    keel.kill_engine()
    until("the next engine has ended what it found", lambda: not set(old) & set(sleepers()))
    told.may("hangs", False)
    # What it runs now may have begun before that.
    until("it runs again", lambda: len(told.tries()) > tries + 1)
    for pid in sleepers():
        os.kill(pid, 9)
    until("both are told", lambda: len(told.news()) >= before + 2)
    ids = told.tries()[tries:]
    check(ids[0] == ids[1], "what the engine's death cut short is told again, under its id")


def follow_the_configuration(keel, page, ops):
    configure(keel, "ops")
    keel.run("apply")
    before = len(page.news())
    outage(keel)
    until("the new channel is told", lambda: len(ops.news()) == 2)
    check(len(page.news()) == before, "an apply takes one channel away and brings another one")
    keel.write_unit("broken", UNIT.format(command="false"))
    configure(keel, "page")
    keel.run("apply", check=False)
    check("broken" not in keel.status(), "an apply that fails is taken back")
    before = len(page.news())
    outage(keel)
    until("the channel in force is told",
          lambda: ops.events()[-2:] == [("web", "outage-opened"), ("web", "recovered")] and
          len([each for each in ops.events() if each[0] == "web"]) == 4)
    check(not [each for each in page.news()[before:] if each["unit"] == "web"],
          "and with it its channels")
    (keel.units / "broken.toml").unlink()
    configure(keel, "ops")
    keel.run("apply")


def leave_nothing(keel, told):
    told.may("hangs")
    tries = len(told.tries())
    outage(keel)
    until("it runs", lambda: len(told.tries()) > tries and sleepers())
    before = told.tries()[-1]
    check(not keel.stop(), "keeld's end leaves nothing of it")
    told.may("hangs", False)
    keel.start()
    until("it is told after the next start", lambda: before in [each["id"] for each in told.news()])
    check(True, "and the next keeld tells it")


def main():
    wanted = read_options()
    os.environ["KEEL_APPLY_TRIAL"] = "100ms"
    with Keel(wanted.bin, "keel-command-") as keel:
        script = keel.root / "tell"
        script.write_text(SCRIPT.format(root=keel.root))
        script.chmod(0o755)
        configure(keel, "page")
        keel.write_unit("web", UNIT.format(command="sleep 1000"))
        keel.start()
        keel.wait("web")
        page, ops = Told(keel, "page"), Told(keel, "ops")
        tell(keel, page)
        end_what_it_leaves(keel, page)
        try_again(keel, page)
        end_what_hangs(keel, page)
        outlive_the_engine(keel, page)
        follow_the_configuration(keel, page, ops)
        leave_nothing(keel, ops)
        check(not (keel.root / "mistakes").exists(), "the unit was always the one in its words")


if __name__ == "__main__":
    run_as_test(main)
