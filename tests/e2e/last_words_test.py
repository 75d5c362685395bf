#!/usr/bin/python3
"""What a record of an outage says of its cause, and the last words that it keeps: of real processes
that end in each way there is, with control groups and without.

No memory controller is needed: the kernel's counts of what it killed are played by a folder.
"""
import http.server
import json
import os
import signal
import sqlite3
import threading

import cgroup
from harness import Keel, check, run_as_test, until

# Says which life it is, does as it is told by a file, and says something before that.
LIFE = """
import os, signal, sys, time
where = sys.argv[1]
life = len(open(where + "/lives").readlines()) + 1 if os.path.exists(where + "/lives") else 1
print(f"life {life} begins", flush=True)
open(where + "/lives", "a").write("x\\n")
fifo = os.open(where + "/orders", os.O_RDWR)
order = os.read(fifo, 100).decode()
print(f"life {life}: ordered to {order}", flush=True)
sys.stdout.buffer.write(b"\\x1b[31mlast\\xff word")
sys.stdout.flush()
if order.isdigit(): os._exit(int(order))
os.kill(os.getpid(), getattr(signal, order))
time.sleep(1000)
"""


class Unit:
    def __init__(self, keel, name, more="", log=""):
        self.keel, self.name = keel, name
        self.folder = keel.root / name
        self.folder.mkdir()
        (self.folder / "life.py").write_text(LIFE)
        os.mkfifo(self.folder / "orders")
        self.orders = os.open(self.folder / "orders", os.O_RDWR)
        keel.write_unit(name, f"""
command = ["/usr/bin/python3", "-u", "{self.folder}/life.py", "{self.folder}"]
directory = "{self.folder}"
{more}
[limits]
core = "1GiB"
[outage]
settle = "0s"
[log]
{log}
""")

    def pid(self):
        return self.keel.status()[self.name]["instances"][0]["pid"]

    def lives(self):
        try:
            return len((self.folder / "lives").read_text().split())
        except OSError:
            return 0

    def ends(self, order):
        """Ends its process so. The record, once the next process has said something, too."""
        before, lives = self.pid(), self.lives()
        os.write(self.orders, order.encode())
        return self.after(before, lives)

    def after(self, before, lives):
        until("it runs again", lambda: self.pid() not in (None, before))
        until("it has said so", lambda: self.lives() > lives)
        return until("the record is there", lambda: self.latest())

    def latest(self):
        outages = json.loads(self.keel.run("outages", "--json").stdout)["outages"]
        own = [o for o in outages if o["unit"] == self.name and o["closed"]]
        return own[0] if own else None


class Health(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self):
        self.send_response(Health.status)
        self.end_headers()

    def log_message(self, *_):
        pass


def causes(unit):
    record = unit.ends("3")
    check(record["cause"] == "exit 3" and record["cause_kind"] == "exit", "exit 3")
    words = record["last_words"]
    check(words[-2:] == ["life 1: ordered to 3", "\\x1b[31mlast\\xff word"],
          f"its last words, as text: {words}")
    check(not any("life 2" in word for word in words), "and none of its successor")
    check(record["seconds"] == record["recovery_seconds"] and record["detection_seconds"] == 0,
          "how long it took")
    record = unit.ends("SIGSEGV")
    check(record["cause"] == "SIGSEGV (core dumped)", record["cause"])
    check(any(unit.folder.glob("core*")), "and there is a core")
    check("life 2: ordered to SIGSEGV" in record["last_words"][-2], "its last words")
    check("life 1" in record["last_words"][0], "behind those of the life before")
    record = unit.ends("SIGTERM")
    check(record["cause"] == "SIGTERM" and record["cause_kind"] == "signal", "SIGTERM")


def out_of_memory(keel, unit, events):
    def killed(count):
        group = events / unit.name / "1"
        group.mkdir(parents=True, exist_ok=True)
        (group / "memory.events").write_text(f"low 0\nmax 3\noom 1\noom_kill {count}\n")
        before, lives = unit.pid(), unit.lives()
        os.kill(before, signal.SIGKILL)
        return unit.after(before, lives)
    record = killed(1)
    check(record["cause"] == "OOM-killed" and record["cause_kind"] == "oom", "OOM-killed")
    check(keel.metrics()[f'keel_outages_total{{unit="{unit.name}",cause="oom"}}'] == 1, "counted")
    check(keel.metrics()[f'keel_restarts_total{{unit="{unit.name}",reason="oom"}}'] == 1, "twice")
    check("OOM-killed" in keel.run("why", unit.name).stdout, "keel why says so")
    check(killed(1)["cause"] == "SIGKILL", "the next one is somebody else's")
    keel.kill_engine()
    check(killed(1)["cause"] == "SIGKILL", "also for the next engine")
    check(killed(2)["cause"] == "OOM-killed", "which sees the kernel's as well")


def probe(keel, unit):
    """It goes on running: what it has said until then."""
    Health.status = 503
    until("it is unready", lambda: keel.status()[unit.name]["status"] == "down")
    outage = json.loads(keel.run("outages", "--json").stdout)["outages"][0]
    check(outage["cause"] == "probe http: status 503", outage["cause"])
    check(outage["detection_seconds"] > 0 and outage["recovery_seconds"] is None,
          "detected after some time, and open")
    until("its words are known", lambda: json.loads(
        keel.run("outages", "--json").stdout)["outages"][0]["last_words"] == ["life 1 begins"])
    check(True, "the last words of the unready instance")
    Health.status = 200
    keel.wait(unit.name)
    closed = until("it is closed", unit.latest)
    check(closed["recovery_seconds"] == closed["seconds"] > 0, "closed, and how long it took")


def on_record(keel, unit):
    database = keel.root / "var/lib/keel/ledger.db"

    def rows():
        ledger = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)
        try:
            return [row[0] for row in ledger.execute(
                "SELECT text FROM outage_words JOIN outages ON id = outage "
                "WHERE unit = ? AND cause_text = 'SIGTERM' ORDER BY line", [unit.name])]
        finally:
            ledger.close()
    until("the ledger has them", lambda: any("SIGTERM" in row for row in rows()))
    told = unit.latest()
    keel.kill_engine()
    check(unit.latest() == told, "the same after the engine's end")


def run(bin_dir):
    with Keel(bin_dir) as keel:
        events = keel.root / "events"
        events.mkdir()
        os.environ["KEEL_MEMORY_EVENTS"] = str(events)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        api = Unit(keel, "api")
        silent = Unit(keel, "silent", log='target = "null"')
        probed = Unit(keel, "probed", more=f"""
[[probe]]
name = "http"
http = "http://127.0.0.1:{server.server_port}/"
role = ["readiness"]
interval = "100ms"
""")
        keel.start()
        keel.wait("api", "silent", "probed")
        until("all have begun", lambda: all(unit.lives() for unit in (api, silent, probed)))
        causes(api)
        on_record(keel, api)
        probe(keel, probed)
        check(silent.ends("1")["last_words"] is None, "none of what is not kept")
        if os.environ.get("KEEL_CGROUP"):
            out_of_memory(keel, api, events)
        server.shutdown()
        for unit in (api, silent, probed):
            os.close(unit.orders)


if __name__ == "__main__":
    run_as_test(lambda: cgroup.run_with_and_without(__doc__, run))
