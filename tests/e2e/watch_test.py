#!/usr/bin/python3
"""`keel status --watch` and `keel why` on a terminal of 80 columns and 24 rows.

    watch_test.py --bin build/dev/bin

The client gets a pseudo terminal. What it writes goes, byte for byte and in the pieces in which it
comes, into a terminal emulator (pyte). A screen that is cleared and then filled, one of which a
part is missing, or one that scrolls is seen after the very byte that made it so.
"""
import os
import re
import select
import signal
import termios
from pathlib import Path

from harness import Failed, Keel, read_options, run_as_test
from terminal import COLUMNS, ROWS, Terminal

QUIET = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"]
SHOWN = QUIET + ["crasher", "broken"]


class Checks:
    """What holds after every byte once the first frame is there, and what after every frame."""

    def __init__(self, terminal, units):
        self.terminal, self.units = terminal, units
        terminal.on_byte = self.byte
        terminal.on_frame = self.frame

    def fail(self, what):
        raise Failed(f"{what} in frame {self.terminal.frames}:\n{self.terminal.text()}")

    def byte(self):
        if self.terminal.frames == 0 or self.terminal.written.endswith(b"\x1b"):
            return
        shown = self.terminal.text()
        missing = [name for name in self.units if not re.search(rf"(?m)^{name}\b", shown)]
        # While a note appears below a unit, those below it move down by a line, one by one.
        if len(missing) > 1:
            self.fail(f"in the middle of a frame {missing} are not to be seen")

    def frame(self):
        lines = self.terminal.text().splitlines()
        if not lines or not re.match(r"\d+ units: .*\d\d:\d\d:\d\d$", lines[0]):
            self.fail("no head line")
        if "" in lines[2:]:
            self.fail("an empty line in the table")
        for name in self.units:
            if sum(line.startswith(name + " ") for line in lines) != 1:
                self.fail(f"not one line about {name}")


def is_restored(terminal):
    """Usual screen, cursor, wrapping; and the keyboard as it was."""
    end = terminal.written
    for on, off in ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?25l", b"\x1b[?25h"),
                    (b"\x1b[?7l", b"\x1b[?7h")):
        if not 0 <= end.rfind(on) < end.rfind(off):
            raise Failed(f"{on!r} was not taken back by {off!r}: {end[-200:]!r}")


def state_of(pid):
    stat = Path(f"/proc/{pid}/stat").read_text()
    return stat[stat.rindex(")") + 2]


def echoes(terminal):
    return bool(termios.tcgetattr(terminal.fd)[3] & termios.ECHO)


def watch(keel, *words, **window):
    return Terminal([keel.bin / "keel", "--root", keel.root, "status", "--watch", *words], **window)


def test_never_flickers(keel):
    """Units crash, stop, start; a word is typed; and no byte ever leaves a part of the screen out.
    """
    terminal = watch(keel)
    terminal.until_text(*SHOWN)
    Checks(terminal, SHOWN)
    first = terminal.frames
    keel.run("stop", "beta")
    terminal.until_text(r"beta +held", r"held by root|held by .*uid")
    keel.run("start", "beta")
    terminal.until_text(r"beta +up")
    os.write(terminal.fd, b"typed\n")
    ages = set()
    terminal.until("ages do not grow", lambda: ages.add(
        re.search(r"alpha +up +1/1 +(.+?)  ", terminal.text())[1]) or len(ages) >= 4)
    if "typed" in terminal.text() or re.search(rb"\x1b\[[23]J", terminal.written):
        raise Failed(f"typed words, or a clear:\n{terminal.text()}")
    if terminal.frames - first < 6:
        raise Failed(f"only {terminal.frames - first} frames")
    if echoes(terminal):
        raise Failed("what is typed is echoed")
    os.write(terminal.fd, b"q")
    if terminal.end() != 0:
        raise Failed("q is not a good end")
    is_restored(terminal)
    print(f"    {terminal.frames} frames, {len(terminal.written)} bytes, each byte looked at")


def test_fits_the_window(keel):
    terminal = watch(keel)
    terminal.until_text(*QUIET)
    terminal.resize(8, 50)
    terminal.until_text(r"… and [3-6] more units: .*up")
    lines = terminal.text().splitlines()
    if len(lines) > 8 or not lines[3].startswith("broken"):
        raise Failed(f"what is not well does not come first:\n{terminal.text()}")
    terminal.resize(ROWS, COLUMNS)
    terminal.until("all units are back", lambda: all(name in terminal.text() for name in QUIET)
                   and "more unit" not in terminal.text())
    os.kill(terminal.job(), signal.SIGINT)
    if os.WTERMSIG(terminal.end()) != signal.SIGINT:
        raise Failed("SIGINT is not told to the shell")
    is_restored(terminal)


def test_outlives_the_daemon(keel):
    terminal = watch(keel)
    terminal.until_text(*QUIET)
    Checks(terminal, SHOWN)
    os.kill(keel.engine_pid(), signal.SIGKILL)
    os.kill(keel.keeld.pid, signal.SIGKILL)
    keel.keeld.wait()
    terminal.until_text(r"as of \d\d:\d\d:\d\d: .*keeld")
    keel.start()
    terminal.until("it goes on", lambda: "as of" not in terminal.text())
    terminal.until_text(r"crasher")
    os.kill(terminal.job(), signal.SIGTERM)
    if os.WTERMSIG(terminal.end()) != signal.SIGTERM:
        raise Failed("SIGTERM is not told to the parent")
    is_restored(terminal)


def test_gives_the_terminal_back_while_stopped(keel):
    terminal = watch(keel)
    terminal.until_text(*QUIET)
    before = terminal.frames
    os.kill(terminal.job(), signal.SIGTSTP)
    terminal.until("the client is stopped", lambda: state_of(terminal.job()) == "T")
    while select.select([terminal.fd], [], [], 0.05)[0]:
        terminal.read()
    is_restored(terminal)
    if not echoes(terminal):
        raise Failed("the keyboard is still silent")
    os.kill(terminal.job(), signal.SIGCONT)
    terminal.until("it is drawn again", lambda: terminal.frames > before)
    os.write(terminal.fd, b"q")
    terminal.end()
    is_restored(terminal)


def test_why_at_80_columns(keel):
    terminal = Terminal([keel.bin / "keel", "--root", keel.root, "why", "crasher"], rows=200)
    terminal.end()
    text = terminal.text()
    print("\n".join("    " + line for line in text.splitlines()))
    for heading in ("What happened", "How it stands", "What comes next"):
        if heading not in text:
            raise Failed(f"no {heading}:\n{text}")
    # What the terminal had to break goes on in its first column.
    heads = ("crasher is", "What happened", "How it stands", "What comes next")
    if broken := [line for line in text.splitlines() if re.match(r"\S", line)
                  and not line.startswith(heads)]:
        raise Failed(f"lines longer than the terminal, which go on with {broken}:\n{text}")


def main():
    options = read_options()
    tests = [value for name, value in sorted(globals().items()) if name.startswith("test_")]
    with Keel(options.bin) as keel:
        for name in QUIET:
            keel.write_unit(name, 'command = "/usr/bin/tail -f /dev/null"\n')
        keel.write_unit("crasher", 'command = ["/bin/sh", "-c", "sleep 0.2; exit 3"]\n'
                                   'restart.delay = "1s"\nrestart.factor = 1.0\n')
        keel.write_unit("broken", 'command = "/bin/false"\nrestart.delay = "1h"\n'
                                  'restart.delay_max = "1h"\n')
        keel.start()
        keel.wait(*QUIET)
        for test in tests:
            print(test.__name__)
            test(keel)


if __name__ == "__main__":
    run_as_test(main)
