"""The shipped example on free ports: a Redis as backbone, an API server, two workers.

Copies units/examples and its programs to a keeld's root, and stands in for the customers that send
jobs. Knows nothing of what a test or the demo does to it.
"""
import http.client
import json
import os
import re
import shutil
import socket
import time
import urllib.request
from pathlib import Path

from harness import free_ports, until

EXAMPLES = Path(__file__).resolve().parents[2] / "units" / "examples"
UNITS = ("network-backbone", "api-server", "worker")
SHIPPED_PORTS = {"backbone": 6390, "api": 8790}


class Example:
    def __init__(self, keel):
        self.keel = keel
        self.backbone, self.api = free_ports(2)

    def copy_programs(self):
        """The folder of this copy of the programs; any user may run them."""
        app = self.keel.root / "app"
        shutil.copytree(EXAMPLES / "app", app, ignore=shutil.ignore_patterns("__pycache__"))
        for path in (app, *app.iterdir()):
            path.chmod(path.stat().st_mode | 0o555 if path.is_dir() else 0o755)
        return app

    def text_of(self, name, app):
        """The shipped file, with free ports, the programs in `app`, and without `user` where there
        is no right to change it."""
        text = (EXAMPLES / f"{name}.toml").read_text(encoding="utf-8")
        text = text.replace(str(SHIPPED_PORTS["backbone"]), str(self.backbone))
        text = text.replace(str(SHIPPED_PORTS["api"]), str(self.api))
        text = text.replace("/usr/share/keel/examples/app", str(app))
        return text if os.geteuid() == 0 else re.sub(r"(?m)^user .*\n", "", text)

    def copy_units(self):
        app = self.copy_programs()
        for name in UNITS:
            self.keel.write_unit(name, self.text_of(name, app))

    def submit(self, count):
        """Sends jobs to the API, waits until the workers have done them all; how long it took."""
        began = time.monotonic()
        ids = [until("the API takes a job", lambda: self.post_job(f"job {n}"))
               for n in range(count)]
        for job in ids:
            until(f"a worker does job {job}", lambda job=job: self.job_is_done(job))
        return time.monotonic() - began

    def post_job(self, text):
        reply = self.ask("/jobs", text.encode())
        return reply and reply["id"]

    def job_is_done(self, job):
        reply = self.ask(f"/jobs/{job}")
        return reply and reply["state"] == "done"

    def ask(self, path, body=None):
        """The API's answer, or None while it cannot serve."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.api}{path}", body, 2) as reply:
                return json.load(reply)
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            return None

    def api_is_ready(self):
        return self.ask("/readyz") is not None

    def backbone_answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.backbone), 0.5) as connection:
                connection.settimeout(0.5)
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
