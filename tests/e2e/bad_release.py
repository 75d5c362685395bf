"""The demo's second story: an API server that is deployed, a release that is bad at once, one that
is bad later, and one whose files are damaged on the disk.

Packs the shipped API server into archives as releases, two of them with a fault planted, and counts
from outside how many requests were refused. Run by `demo.py --story bad-release`.
"""
import json
import os
import signal
import tarfile
import threading
import time

from demo import Demo, say
from harness import Failed, until

UNIT = "api-server"
GOOD, BAD_AT_ONCE, BAD_LATER, MENDED = "1.0", "1.1", "1.2", "1.3"

DEPLOY = """
[deploy]
root       = "{root}"
source     = "{archives}/api-{{release}}.tar.gz"
verify_for = "3s"
timeout    = "30s"
good_after = "6s"

[[deploy.steps]]
name = "migrate"
do   = ["/bin/sh", "-c", "echo migrated for {{release}}"]
undo = ["/bin/sh", "-c", "echo the migration for {{release}} is taken back"]

[restart]
delay = "100ms"

[escalation]
failures = 3

[outage]
settle = "2s"
"""

FAULT = """
import os, threading
def _fail():
    print("api-server {release}: the connection pool is corrupt", flush=True)
    os._exit(70)
threading.Timer({seconds}, _fail).start()
"""


class Requests(threading.Thread):
    """Asks the API for its health a hundred times a second, and counts what is refused."""

    def __init__(self, ask):
        super().__init__(daemon=True)
        self.ask = ask
        self.asked = self.refused = 0
        self.ended = threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.01):
            self.asked += 1
            self.refused += self.ask("/healthz") is None

    def stop(self):
        self.ended.set()
        self.join()
        return f"{self.refused} of {self.asked} requests were refused meanwhile"


class BadRelease(Demo):
    def __init__(self, keel):
        super().__init__(keel)
        self.root = keel.root / "srv" / UNIT
        self.root.parent.mkdir()

    # ---- what is deployed --------------------------------------------------------------------

    def pack(self, app, release, fails_after=None):
        """An archive of the program, as a build would leave it."""
        folder = self.keel.root / f"build-{release}"
        folder.mkdir()
        for path in app.iterdir():
            text = path.read_text(encoding="utf-8")
            if fails_after is not None and path.name == "api_server.py":
                head, tail = text.split('"""\nimport json', 1)
                fault = FAULT.format(release=release, seconds=fails_after)
                text = f'{head}"""\n{fault}\nimport json{tail}'
            (folder / path.name).write_text(text, encoding="utf-8")
            (folder / path.name).chmod(0o755)
        with tarfile.open(self.archives / f"api-{release}.tar.gz", "w:gz") as archive:
            archive.add(folder, arcname="app")

    def copy_files(self):
        app = self.example.copy_programs()
        self.archives = self.keel.root / "archives"
        self.archives.mkdir()
        self.pack(app, GOOD)
        self.pack(app, BAD_AT_ONCE, fails_after=1.5)
        self.pack(app, BAD_LATER, fails_after=4)
        self.pack(app, MENDED)
        self.keel.write_unit("network-backbone", self.example.text_of("network-backbone", app))
        text = self.example.text_of(UNIT, app).replace(str(app), "{release}/app")
        self.keel.write_unit(UNIT, text + DEPLOY.format(root=self.root, archives=self.archives))

    # ---- what is seen ------------------------------------------------------------------------

    def is_up_on(self, release):
        unit = self.keel.status()[UNIT]
        return unit["status"] == "up" and unit["release"] == release and not unit["operation"]

    def is_good(self, release):
        known = json.loads(self.keel.run("releases", UNIT, "--json").stdout)["releases"]
        return any(r["id"] == release and r["good"] for r in known)

    def latest_outage(self):
        def settled():
            told = json.loads(self.keel.run("outages", "--json").stdout)["outages"]
            mine = [o for o in told if o["unit"] == UNIT and not o["planned"]]
            return mine[0]["id"] if mine and mine[0]["closed"] else None
        return until(f"the outage of {UNIT} is over", settled)

    # ---- the story ---------------------------------------------------------------------------

    def begin(self):
        say("The API server is deployed from archives, and has no release yet")
        self.copy_files()
        self.keel.start()
        self.keel.wait("network-backbone")
        self.show("status")
        say(f"Its first release, {GOOD}: fetched, verified, unpacked, migrated, proved")
        self.show("deploy", UNIT, GOOD)
        until(f"{GOOD} has proved itself", lambda: self.is_good(GOOD))
        self.show("releases", UNIT)

    def bad_at_once(self):
        say(f"Release {BAD_AT_ONCE} crashes a second and a half after its start")
        requests = Requests(self.example.ask)
        self.show("deploy", UNIT, BAD_AT_ONCE)
        until(f"{GOOD} serves again", lambda: self.is_up_on(GOOD))
        print(f"    {requests.stop()}; {GOOD} serves again")
        if (self.root / "releases" / BAD_AT_ONCE).exists():
            raise Failed(f"{BAD_AT_ONCE} was left behind")

    def bad_later(self):
        say(f"Release {BAD_LATER} passes its trial, and begins to crash a second later")
        requests = Requests(self.example.ask)
        self.show("deploy", UNIT, BAD_LATER)
        say(f"Restarts do not help, {BAD_LATER} is not good yet, so the ladder rolls back")
        follower = self.follow_events()
        until(f"the ladder has gone back to {GOOD}", lambda: self.is_up_on(GOOD))
        follower.terminate()
        follower.wait()
        print(f"    {requests.stop()}; {GOOD} serves again, and nobody had to get up")
        self.show("why", UNIT)

    def damaged(self):
        say(f"Release {MENDED} is as it should be")
        self.show("deploy", UNIT, MENDED)
        until(f"{MENDED} has proved itself", lambda: self.is_good(MENDED))
        say(f"Now a file of {MENDED} is damaged on the disk, and the process dies")
        requests = Requests(self.example.ask)
        program = self.root / "releases" / MENDED / "app" / "api_server.py"
        program.write_bytes(program.read_bytes()[:200])
        follower = self.follow_events()
        os.kill(self.keel.pids()[UNIT], signal.SIGKILL)
        until("it was unpacked afresh", lambda: len(program.read_bytes()) > 200)
        until(f"{MENDED} serves again", lambda: self.is_up_on(MENDED))
        follower.terminate()
        follower.wait()
        print(f"    {requests.stop()}; {MENDED} was unpacked afresh and serves again")

    def run(self):
        began = time.monotonic()
        self.begin()
        self.bad_at_once()
        self.bad_later()
        self.damaged()
        say("What stays on record of the last one, and of the releases")
        self.show("outages", str(self.latest_outage()))
        self.show("releases", UNIT)
        took = time.monotonic() - began
        say(f"Two bad releases and a damaged one in {took:.0f} s. It all healed.")
