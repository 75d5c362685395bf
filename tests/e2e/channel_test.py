#!/usr/bin/python3
"""People are told of outages through a webhook: in order, at least once, under ids that stay the
same; also where the receiver is down for a while and the engine and the whole of keeld are killed
meanwhile; and of what follows from another outage only beside it.
"""
import argparse
import http.server
import json
import os
import signal
import sys
import threading

from harness import Failed, Keel, free_ports, until

TOML = """
[channel.ops]
kind = "webhook"
target = "http://127.0.0.1:{port}/keel"
token_file = "{token}"
quiet = "0s"

[defaults]
notify = ["ops"]
"""
UNIT = """
command = "sleep 1000"
{more}
[restart]
delay = "{delay}"
jitter = 0.0
stable_after = "0s"
[outage]
settle = "100ms"
"""


class Receiver:
    """What people run: it takes a POST and says 200, or, for a while, 503."""

    def __init__(self):
        self.port, = free_ports(1)
        self.got = []
        self.status = 200
        self.refused = 0
        self.authorizations = set()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.authorizations.add(self.headers["Authorization"])
                if receiver.status == 200:
                    receiver.got.append(body)
                else:
                    receiver.refused += 1
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def told(self):
        return [(each["unit"], each["event"]) for each in self.got]

    def await_(self, unit, event, count=1):
        until(f"{count} times told of {unit}: {event}",
              lambda: self.told().count((unit, event)) >= count)
        return [each for each in self.got if (each["unit"], each["event"]) == (unit, event)][-1]


def check(truth, what):
    if not truth:
        raise Failed(what)
    print(f"  ok  {what}", flush=True)


def kill(keel, instance):
    """So that it is noticed: the next kill comes when this one is over."""
    pid = keel.pids()[instance]
    os.kill(pid, signal.SIGKILL)
    until(f"{instance} is another process",
          lambda: (keel.pids()[instance] or pid) != pid)


def tell_of_an_outage(keel, receiver):
    kill(keel, "backbone")
    down = receiver.await_("backbone", "outage-opened")
    check("SIGKILL" in down["text"] and down["text"].startswith("backbone is down"), down["text"])
    check(down["also_down"] == ["worker"], "what is bound to it is named beside it")
    up = receiver.await_("backbone", "recovered")
    check(up["outage"] == down["outage"] and up["id"] != down["id"], up["text"])
    check(all(each["unit"] == "backbone" for each in receiver.got),
          "and told by no word of its own")
    check(receiver.authorizations == {"Bearer s3cret"}, "the token of the file comes with it")


def tell_who_holds_it(keel, receiver):
    keel.run("hold", "web", "--reason", "ticket 7")
    held = receiver.await_("web", "held")
    check("ticket 7" in held["text"], held["text"])
    keel.run("start", "web")


def keep_what_is_not_heard(keel, receiver, kills):
    """The receiver says no to everything for a while; engine and keeld are killed meanwhile."""
    receiver.status = 503
    before = len(receiver.got)
    for n in range(kills):
        kill(keel, "web")
        until("the outage is over", lambda: keel.status()["web"]["outage"] is None)
        if n == kills // 3:
            keel.kill_engine()
        if n == 2 * kills // 3:
            keel.keeld.kill()
            keel.keeld.wait()
            keel.start()
            keel.wait("web")
    check(len(receiver.got) == before and receiver.refused > 0,
          f"while the receiver says 503 ({receiver.refused} times), nothing has arrived")
    receiver.status = 200
    receiver.await_("web", "outage-opened", kills)
    receiver.await_("web", "recovered", kills)
    events = [each for each in receiver.got[before:] if each["unit"] == "web"]
    ids = list(dict.fromkeys(each["id"] for each in events))
    check(len(ids) == 2 * kills, f"all {len(ids)} news of {kills} outages arrive afterwards")
    order = [each["event"] for each in {each["id"]: each for each in events}.values()]
    check(order == ["outage-opened", "recovered"] * kills, "in the order in which they happened")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--kills", type=int, default=6)
    wanted = parser.parse_args()
    receiver = Receiver()
    with Keel(wanted.bin, "keel-channel-") as keel:
        token = keel.root / "token"
        token.write_text("s3cret\n")
        (keel.root / "etc/keel/keel.toml").write_text(
            TOML.format(port=receiver.port, token=token), encoding="utf-8")
        keel.write_unit("backbone", UNIT.format(more="", delay="500ms"))
        keel.write_unit("worker", UNIT.format(more='binds_to = ["backbone"]', delay="500ms"))
        keel.write_unit("web", UNIT.format(more="", delay="20ms"))
        keel.start()
        keel.wait("backbone", "worker", "web")
        tell_of_an_outage(keel, receiver)
        tell_who_holds_it(keel, receiver)
        keep_what_is_not_heard(keel, receiver, wanted.kills)
        if "s3cret" in keel.log.read_text():
            raise Failed("the token stands in keeld's log")


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"FAILED: {failure}")
