#!/usr/bin/python3
"""`keel deploy` on a terminal of 80 columns, with a keeld that fetches from a server which gives as
much as it is told to: a line for each step that is over, and below them one that is drawn again.

    deploy_watch_test.py --bin build/dev/bin
"""
import hashlib
import http.server
import io
import os
import re
import signal
import tarfile
import threading

from harness import Failed, Keel, read_options, run_as_test, until
from terminal import Terminal

HALF = 3 << 20
UNIT = """
command = ["/bin/sh", "{{release}}/serve"]
instances = 2
[deploy]
root = "{root}/web"
source = "http://127.0.0.1:{port}/{{release}}.tar"
sha256 = "{digest}"
verify_for = "300ms"
[[deploy.steps]]
name = "migrate"
do = ["/bin/echo", "migrated to {{release}}"]
undo = ["/bin/echo", "migrated back"]
"""


def archive():
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in (("serve", b"exec sleep 100000\n"), ("ballast", os.urandom(2 * HALF))):
            about = tarfile.TarInfo(name)
            about.size = len(content)
            tar.addfile(about, io.BytesIO(content))
    return packed.getvalue()


class Source(http.server.BaseHTTPRequestHandler):
    """Gives one half, and the other once it may."""
    body = archive()
    may_go_on = threading.Event()

    def log_message(self, *_):
        pass

    def do_GET(self):  # noqa: N802, its name is the library's
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body[:HALF])
        self.may_go_on.wait()
        self.wfile.write(self.body[HALF:])


def deploy(keel, *words):
    return Terminal([keel.bin / "keel", "--root", keel.root, "deploy", "web", *words])


def line_of(terminal, pattern):
    found = [line for line in terminal.text().splitlines() if re.search(pattern, line)]
    if len(found) != 1:
        raise Failed(f"not one line like {pattern!r}:\n{terminal.text()}")
    return found[0]


def test_draws_one_line_again(keel):
    Source.may_go_on.clear()
    terminal = deploy(keel, "v1")
    terminal.until_text(r"web: deploying v1, its first release, operation \d+",
                        r"fetch +3\.0 MiB of 6\.0 MiB \(\d+%\), .*[1-3] s$")
    line_of(terminal, "fetch ")  # not one below the other
    Source.may_go_on.set()
    terminal.until_text(r"web: v1 is the current release, after ")
    if terminal.end() != 0:
        raise Failed("the deployment has not succeeded")
    for step in ("fetch", "unpack", "migrate", "roll", "commit"):
        if not re.match(rf"  {step} +done", line_of(terminal, f"^  {step} ")):
            raise Failed(f"{step} is not done:\n{terminal.text()}")
    print("    " + terminal.text().replace("\n", "\n    "))


def test_goes_on_when_it_is_interrupted(keel):
    Source.may_go_on.clear()
    terminal = deploy(keel, "v2")
    terminal.until_text(r"web: deploying v2 in the place of v1", r"fetch +3\.0 MiB of")
    operation = re.search(r"operation (\d+)", terminal.text())[1]
    os.write(terminal.fd, b"\x03")
    if os.WTERMSIG(terminal.end()) != signal.SIGINT:
        raise Failed("the shell is not told that it was interrupted")
    if f"`keel cancel {operation}` ends and undoes it" not in terminal.text():
        raise Failed(f"it is not said how to end it:\n{terminal.text()}")
    shown = keel.run("status", "web", check=False).stdout
    if not re.search(r"release v1\n +deployment of v2 by .*: fetch, 3\.0 MiB of 6\.0 MiB", shown):
        raise Failed(f"keel status does not tell of it:\n{shown}")
    if keel.run("cancel", operation).stdout != "web: deploy is being undone\n":
        raise Failed("it is not said what the cancel does")
    until("all of it is undone", lambda: keel.status()["web"]["deployment"] is None)
    Source.may_go_on.set()


def test_tells_of_it_afterwards(keel):
    if "migrated to" not in keel.run("logs", "web", "--deploy").stdout:
        raise Failed("what a step wrote is not in its log")
    if not re.search(r"(?m)^v1 .* current$", keel.run("releases", "web").stdout):
        raise Failed(keel.run("releases", "web").stdout)
    refused = keel.run("rollback", "web", "--dry-run", check=False)
    if refused.returncode != 1 or "no other good release" not in refused.stderr:
        raise Failed(f"{refused.returncode}: {refused.stderr}")


def main():
    options = read_options()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Source)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # whoever has heard enough hangs up
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Keel(options.bin) as keel:
        keel.write_unit("web", UNIT.format(root=keel.root, port=server.server_address[1],
                                            digest=hashlib.sha256(Source.body).hexdigest()))
        keel.start()
        for test in (test_draws_one_line_again, test_goes_on_when_it_is_interrupted,
                     test_tells_of_it_afterwards):
            test(keel)
            print(f"{test.__name__}: passed")


if __name__ == "__main__":
    run_as_test(main)
