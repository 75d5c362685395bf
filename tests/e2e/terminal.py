"""A child on a pseudo terminal, with a terminal emulator (pyte) in the place of a person.

    terminal = Terminal(["/usr/bin/top"])
    terminal.until_text("load average")
    os.write(terminal.fd, b"q")
    terminal.end()

Without pyte (Debian: python3-pyte) the test that imports this is skipped.
"""
import fcntl
import os
import re
import select
import signal
import struct
import sys
import termios
import time

try:
    import pyte
except ImportError:
    print("SKIPPED: there is no terminal emulator (Debian: python3-pyte)")
    sys.exit(77)

from harness import PATIENCE, Failed

ROWS, COLUMNS = 24, 80
UPDATE_END = b"\x1b[?2026l"
BACKLOG_MAX = 256 << 10  # bytes that a pseudo terminal may hold, and a few frames


class Terminal:
    """A child on a pseudo terminal, and what a person would see of it."""

    def __init__(self, command, rows=ROWS, columns=COLUMNS):
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.written = bytearray()  # everything the child ever wrote
        self.frames = 0      # synchronized updates that ended
        self.on_byte = None  # called after every byte, in the middle of a frame too
        self.on_frame = None
        self.ended = False
        self.pid, self.fd = os.forkpty()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", TZ="UTC")
            os.environ.pop("COLUMNS", None)
            os.read(0, 1)  # until the window has its size
            self.play_shell([str(word) for word in command])
        self.resize(rows, columns)
        os.write(self.fd, b"\n")

    @staticmethod
    def play_shell(command):
        """Runs the command as a shell's foreground job, and ends as it does. Without somebody to
        continue it, the kernel does not stop a process."""
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        job = os.fork()
        if job == 0:
            os.setpgid(0, 0)
            os.tcsetpgrp(0, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            os.execv(command[0], command)
        status = os.waitpid(job, 0)[1]
        if os.WIFSIGNALED(status):
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
            os.kill(os.getpid(), os.WTERMSIG(status))
        os._exit(os.WEXITSTATUS(status))

    def job(self):
        """The client's pid."""
        return os.tcgetpgrp(self.fd)

    def resize(self, rows, columns):
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, patience=0.05):
        """Takes in what comes within `patience`; False: the child has closed its terminal."""
        if self.ended or not select.select([self.fd], [], [], patience)[0]:
            return not self.ended
        try:
            piece = os.read(self.fd, 65536)
        except OSError:
            piece = b""
        self.ended = not piece
        for at in range(len(piece)):
            self.feed(piece[at:at + 1])
        return not self.ended

    def feed(self, byte):
        self.stream.feed(byte)
        self.written += byte
        if self.on_byte:
            self.on_byte()
        if self.written.endswith(UPDATE_END):
            self.frames += 1
            if self.on_frame:
                self.on_frame()

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    def until(self, what, condition, patience=PATIENCE):
        deadline = time.monotonic() + patience
        while not condition():
            if time.monotonic() > deadline or not self.read():
                raise Failed(f"{what}; the screen is\n{self.text()}")

    def until_text(self, *patterns):
        for pattern in patterns:
            self.until(f"no {pattern!r} on the screen", lambda p=pattern: re.search(p, self.text()))

    def end(self):
        """Everything up to the child's end; its wait status. What it had written before may be
        much, as every byte is looked at."""
        asked_at, seen = len(self.written), -1  # less than nothing: the deadline is set at once
        while self.read():
            if len(self.written) > seen:
                seen, deadline = len(self.written), time.monotonic() + PATIENCE
            if time.monotonic() > deadline or seen - asked_at > BACKLOG_MAX:
                raise Failed("the client does not end")
        return os.waitpid(self.pid, 0)[1]
