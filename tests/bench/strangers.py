#!/usr/bin/python3
"""Thousands of slow strangers on the TCP port, and what everybody else notices of them.

    strangers.py --bin build/release/bin [--strangers 2000] [--seconds 20]

Each stranger connects, says one byte of a request in a second and never comes to its end; cut off,
it comes again. Meanwhile the control socket is asked for all units over and over, and a service is
probed five times a second. Printed: how long the control socket took to answer before and during,
how many probes came and how they fared, and how late the loop of keeld was at worst. It fails if an
answer of the control socket or a verdict is missing; times are printed, not judged.
"""
import argparse
import http.client
import selectors
import socket
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from harness import Failed, Keel, free_ports  # noqa: E402

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Patience: " + b"a" * 1000
PROBE_PAUSE = 0.2
UNIT = """
command = ["{puppet}", "serve", "{port}"]
[[probe]]
name = "alive"
http = "http://127.0.0.1:{port}/"
interval = "200ms"
"""


class Strangers:
    """Connections that say a byte a second, all of them driven from one loop."""

    def __init__(self, port, count):
        self.port = port
        self.count = count
        self.said = {}
        self.selector = selectors.DefaultSelector()
        self.came = self.cut_off = 0

    def fill_up(self):
        while len(self.said) < self.count:
            stranger = socket.socket()
            stranger.setblocking(False)
            stranger.connect_ex(("127.0.0.1", self.port))
            self.selector.register(stranger, selectors.EVENT_READ)
            self.said[stranger] = 0
            self.came += 1

    def leave(self, stranger):
        self.selector.unregister(stranger)
        stranger.close()
        del self.said[stranger]
        self.cut_off += 1

    def say_a_byte(self):
        for stranger, said in list(self.said.items()):
            try:
                stranger.send(REQUEST[said:said + 1])
                self.said[stranger] = said + 1
            except BlockingIOError:
                pass
            except OSError:
                self.leave(stranger)

    def heed_answers(self):
        for key, _ in self.selector.select(0):
            try:
                if key.fileobj.recv(4096):
                    continue
            except BlockingIOError:
                continue
            except OSError:
                pass
            self.leave(key.fileobj)

    def leave_all(self):
        for stranger in list(self.said):
            self.leave(stranger)


class ControlSocket(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(str(self.path))


def ask(path):
    """Milliseconds from connecting to the whole answer."""
    began = time.monotonic()
    connection = ControlSocket(path)
    connection.request("GET", "/v1/units")
    answer = connection.getresponse()
    body = answer.read()
    took = (time.monotonic() - began) * 1000
    connection.close()
    if answer.status != 200 or b"service" not in body:
        raise Failed(f"the control socket said {answer.status}")
    return took


def tell(what, took):
    took.sort()
    print(f"{what}: {len(took)} answers, median {statistics.median(took):.2f} ms, "
          f"99 % within {took[len(took) * 99 // 100]:.2f} ms, worst {took[-1]:.2f} ms", flush=True)


def verdicts(keel):
    """{verdict: count} of the service's probe, asked by the control socket's own metrics."""
    text = ControlSocket(control_socket(keel))
    text.request("GET", "/metrics")
    page = text.getresponse().read().decode()
    text.close()
    prefix = 'keel_probe_verdicts_total{unit="service"'
    lines = [line for line in page.splitlines() if line.startswith(prefix)]
    return {line.split('verdict="')[1].split('"')[0]: float(line.split()[-1]) for line in lines}


def control_socket(keel):
    return keel.root / "run/keel/control.sock"


def besiege(keel, count, seconds):
    path = control_socket(keel)
    tell("alone", [ask(path) for _ in range(200)])
    strangers = Strangers(keel.http, count)
    before, began, took, most = verdicts(keel), time.monotonic(), [], 0
    next_word = began
    while time.monotonic() < began + seconds:
        strangers.fill_up()
        if time.monotonic() >= next_word:
            next_word += 1
            strangers.say_a_byte()
        strangers.heed_answers()
        most = max(most, len(strangers.said))
        took.append(ask(path))
        time.sleep(0.01)  # the pace of this client; nothing is waited for
    lasted = time.monotonic() - began
    after = verdicts(keel)
    strangers.leave_all()
    tell(f"beside {most} strangers at a time ({strangers.came} came)", took)
    came = {verdict: after[verdict] - before[verdict] for verdict in after}
    print(f"probes in {lasted:.0f} s: {came}, {lasted / PROBE_PAUSE:.0f} were due", flush=True)
    if came["fail"] or came["unknown"]:
        raise Failed("a probe of a healthy service did not pass")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=Path)
    parser.add_argument("--strangers", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=20)
    wanted = parser.parse_args()
    with Keel(wanted.bin, prefix="keel-strangers-") as keel:
        port, = free_ports(1)
        keel.write_unit("service", UNIT.format(puppet=keel.bin / "puppet", port=port))
        keel.start()
        keel.wait("service")
        besiege(keel, wanted.strangers, wanted.seconds)


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"FAILED: {failure}")
