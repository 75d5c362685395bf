#!/usr/bin/python3
"""People are told of outages through a webhook: in order, at least once, under ids that stay the
same; also where the receiver is down for a while and the engine and the whole of keeld are killed
meanwhile; and of what follows from another outage only beside it. A real Alertmanager takes the
alerts that Keel makes for it, and ends them when the outage is over.
"""
import http.server
import json
import os
import signal
import subprocess
import threading
import urllib.request

from harness import Failed, Keel, check, free_ports, read_options, run_as_test, until

TOML = """
[channel.ops]
kind = "webhook"
target = "http://127.0.0.1:{port}/keel"
token_file = "{token}"
quiet = "0s"

[channel.alerts]
kind = "webhook"
target = "http://127.0.0.1:{alerts}/api/v2/alerts"
body = "alertmanager"
quiet = "0s"

[defaults]
notify = ["ops", "alerts"]
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

BROKEN = """
command = ["/bin/sh", "-c", "test -e {root}/mended && exec sleep 1000; exit 1"]
enabled = false
[restart]
delay = "10ms"
[escalation]
failures = 2
ladder = ["restart", "give-up"]
[start]
timeout = "1s"
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

        self.handler = Handler
        self.come_back()

    def come_back(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), self.handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def leave(self):
        """Nobody listens any more."""
        self.server.shutdown()
        self.server.server_close()

    def told(self):
        return [(each["unit"], each["event"]) for each in self.got]

    def await_(self, unit, event, count=1):
        until(f"{count} times told of {unit}: {event}",
              lambda: self.told().count((unit, event)) >= count)
        return [each for each in self.got if (each["unit"], each["event"]) == (unit, event)][-1]


class Alertmanager:
    """The real one, with nobody to pass its alerts on to."""

    def __init__(self, root):
        self.port, = free_ports(1)
        config = root / "alertmanager.yml"
        config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
        self.log = root / "alertmanager.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["prometheus-alertmanager", f"--config.file={config}",
                 f"--storage.path={root / 'alertmanager'}", "--cluster.listen-address=",
                 f"--web.listen-address=127.0.0.1:{self.port}"], stdout=log, stderr=log)
        until("Alertmanager answers", lambda: self.alerts() is not None)

    def alerts(self):
        """{(alert, unit): alert} of those that are firing; None: it does not answer."""
        try:
            with urllib.request.urlopen(
                    f"http://127.0.0.1:{self.port}/api/v2/alerts?active=true", timeout=5) as reply:
                return {(each["labels"]["alertname"], each["labels"]["unit"]): each
                        for each in json.load(reply)}
        except (OSError, ValueError):
            return None

    def end(self):
        self.process.terminate()
        self.process.wait()


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


def count(keel, receiver):
    """Over two engines' deaths: each of them may have died between an answer and its count."""
    def counted(result):
        series = f'keel_notifications_total{{channel="ops",result="{result}"}}'
        return keel.metrics()[series]

    ids = len({each["id"] for each in receiver.got})
    until("all that has arrived is counted", lambda: counted("delivered") >= ids)
    check(ids <= counted("delivered") <= len(receiver.got),
          f"{ids} news delivered are counted, over two engines' deaths")
    check(receiver.refused - 2 <= counted("failed") <= receiver.refused,
          f"and {receiver.refused} refusals")


def alert(keel, alertmanager):
    keel.run("start", "broken", "--no-wait")
    firing = until("Alertmanager has both alerts", lambda: (
        {("KeelUnitDown", "broken"), ("KeelGaveUp", "broken")} <= set(alertmanager.alerts() or ())
        and alertmanager.alerts()))
    summary = firing["KeelUnitDown", "broken"]["annotations"]["summary"]
    check(summary == "broken is down: exit 1", f"a real Alertmanager says: {summary}")
    (keel.root / "mended").touch()
    keel.run("start", "broken")
    until("the alert ends with the outage",
          lambda: ("KeelUnitDown", "broken") not in alertmanager.alerts())
    check(True, "and it ends with the outage")


def main():
    wanted = read_options(kills=6)
    receiver = Receiver()
    with Keel(wanted.bin, "keel-channel-") as keel:
        alertmanager = Alertmanager(keel.root)
        token = keel.root / "token"
        token.write_text("s3cret\n")
        token.chmod(0o600)
        (keel.root / "etc/keel/keel.toml").write_text(
            TOML.format(port=receiver.port, token=token, alerts=alertmanager.port),
            encoding="utf-8")
        keel.write_unit("broken", BROKEN.format(root=keel.root))
        keel.write_unit("backbone", UNIT.format(more="", delay="500ms"))
        keel.write_unit("worker", UNIT.format(more='binds_to = ["backbone"]', delay="500ms"))
        keel.write_unit("web", UNIT.format(more="", delay="20ms"))
        keel.start()
        keel.wait("backbone", "worker", "web")
        tell_of_an_outage(keel, receiver)
        tell_who_holds_it(keel, receiver)
        keep_what_is_not_heard(keel, receiver, wanted.kills)
        count(keel, receiver)
        alert(keel, alertmanager)
        alertmanager.end()
        if "s3cret" in keel.log.read_text():
            raise Failed("the token stands in keeld's log")


if __name__ == "__main__":
    run_as_test(main)
