"""A unit under a real keeld that is deployed from archives: what its releases do, what is asked of
the control socket, and what must be so after each deployment.

Knows nothing of how a test makes it fail.
"""
import http.client
import io
import json
import os
import socket
import tarfile
import time
from pathlib import Path

from harness import Failed, until

UNIT = "app"
FILE = """
command   = "{{release}}/bin/app"
directory = "{{release}}"

[stop]
timeout = "2s"

[restart]
delay = "50ms"

[escalation]
failures = 3

[deploy]
root       = "{root}"
source     = "{archives}/app-{{release}}.tar"
{more}
verify_for = "200ms"
timeout    = "20s"
good_after = "{good_after}"

[[deploy.steps]]
name = "migrate"
do   = ["/bin/sh", "-c", '. {{release}}/share/migration && up']
undo = ["/bin/sh", "-c", 'rm -f {state}/$KEEL_RELEASE']
"""
PROGRAM = "#!/bin/sh\necho {release} runs\n{course}\nexec sleep 1000000\n"
MIGRATION = "up() {{\n  echo migrated > {state}/$KEEL_RELEASE\n  {course}\n}}\n"


def below(folder):
    """All that is in it, however it changes meanwhile."""
    return [Path(place) / name for place, folders, files in os.walk(folder)
            for name in folders + files]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("keel", timeout=120)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Deployed:
    def __init__(self, keel, root=None, more="", good_after="10m"):
        self.keel = keel
        self.root = root or keel.root / "srv" / UNIT
        self.archives = keel.root / "archives"
        self.state = keel.root / "state"
        self.archives.mkdir()
        self.state.mkdir()
        self.root.parent.mkdir(parents=True, exist_ok=True)
        keel.write_unit(UNIT, FILE.format(root=self.root, archives=self.archives, more=more,
                                          state=self.state, good_after=good_after))

    # ---- archives ------------------------------------------------------------------------------

    def pack(self, release, program="", migration="", ballast=0):
        """An archive of a release; `program` and `migration` are lines of shell in them, `ballast`
        bytes that no compression takes away."""
        files = {"bin/app": PROGRAM.format(release=release, course=program),
                 "share/migration": MIGRATION.format(state=self.state, course=migration)}
        with tarfile.open(self.archives / f"app-{release}.tar", "w") as archive:
            for name, text in files.items():
                self.add(archive, name, text.encode())
            if ballast:
                self.add(archive, "share/ballast", os.urandom(ballast))

    @staticmethod
    def add(archive, name, content):
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode, entry.mtime = len(content), 0o755, int(time.time())
        archive.addfile(entry, io.BytesIO(content))

    # ---- asking --------------------------------------------------------------------------------

    def post(self, path, body):
        """The answer; None if keeld ended meanwhile."""
        connection = UnixConnection(self.keel.root / "run/keel/control.sock")
        try:
            connection.request("POST", f"/v1/units/{UNIT}/{path}", json.dumps(body),
                               {"Content-Type": "application/json"})
            return json.load(connection.getresponse())
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            return None
        finally:
            connection.close()

    def deploy(self, release):
        return self.post("deploy", {"release": release})

    def unit(self):
        return self.keel.status()[UNIT]

    # ---- what must be so -----------------------------------------------------------------------

    def settles(self):
        """Waits until nothing of a deployment is under way and the unit is up; the unit."""
        def settled():
            unit = self.unit()
            is_over = not unit["deployment"] and not unit["operation"]
            return unit if is_over and unit["status"] == "up" else None
        return until("it is up and no deployment is under way", settled)

    def is_tidy(self):
        """Whether nothing of a release is about to be removed."""
        told = json.loads(self.keel.run("releases", UNIT, "--json").stdout)
        known = {release["id"] for release in told["releases"]}
        on_disk = {path.name for path in (self.root / "releases").iterdir()}
        return known == on_disk

    def running(self):
        """The release that its process runs from, as the kernel has it."""
        pid = self.unit()["instances"][0]["pid"]
        return Path(os.readlink(f"/proc/{pid}/cwd")).name

    def judge(self, former, new):
        """Either the new release or the former one, complete, running, pointed to, and nothing of
        the other where it has not come to stay. Which."""
        unit = self.settles()
        current = unit["release"]
        wrong = []

        def want(truth, what):
            if not truth:
                wrong.append(what)
        want(current in (former, new), f"its release is {current}")
        want(self.running() == current, f"{self.running()} runs, and {current} is current")
        leads_to = os.readlink(self.root / "current")
        want(leads_to == f"releases/{current}", f"the link leads to {leads_to}")
        for release in {former, current}:
            folder = self.root / "releases" / release
            content = {str(path.relative_to(folder)) for path in below(folder)}
            want({"bin/app", "share/migration"} <= content, f"{release} is not complete: {content}")
        if current != new:
            left = [str(path) for path in below(self.root) if new in path.name]
            want(not left, f"left of {new}: {left}")
        # A release that nobody needs any more may be on its way out.
        until("nothing is half done",
              lambda: not any(".partial" in str(path) for path in below(self.root)))
        migrated = (self.state / new).exists()
        want(migrated == (current == new), f"{new} is {'' if migrated else 'not '}migrated")
        if wrong:
            raise Failed("; ".join(wrong))
        return current
