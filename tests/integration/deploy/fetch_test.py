#!/usr/bin/python3
"""keel-release on a server that cuts, stalls, lies and redirects; on a disk that is full; killed in
the middle of a download. As root in a mount namespace of its own, for the full disk.
"""
import argparse
import hashlib
import io
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import unittest
from pathlib import Path

from web_source import WebSource, make_certificate

DONE, USAGE, SOURCE, RELEASE, HOST = 0, 2, 3, 4, 5
PROGRAM = None


def tar_of(files):
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w") as tar:
        for name, body in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(body)
            tar.addfile(about, io.BytesIO(body))
    return into.getvalue()


BODY = tar_of({"app": random.Random(4711).randbytes(300_000)})
DIGEST = hashlib.sha256(BODY).hexdigest()


class Fixture(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="keel-fetch-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.root = self.folder / "root"
        self.report = self.folder / "report"
        self.web = WebSource(BODY)
        self.addCleanup(self.web.close)

    def words(self, verb, *more):
        return [PROGRAM, verb, "--root", self.root, "--id", "1.0", "--report", self.report, *more]

    def run_verb(self, verb, *more):
        ended = subprocess.run(list(map(str, self.words(verb, *more))), stderr=subprocess.PIPE,
                               text=True, timeout=120, check=False)
        self.said = ended.stderr
        return ended.returncode

    def fetch(self, path, *more, sha256=DIGEST, web=None):
        checksum = ["--sha256", sha256] if sha256 else []
        return self.run_verb("fetch", "--source", (web or self.web).url(path), *checksum, *more)

    def kept(self):
        return sorted(p.name for p in (self.root / "archives").iterdir())

    def assert_fetched(self, code):
        self.assertEqual(code, DONE, self.said)
        self.assertEqual(self.kept(), ["1.0", "1.0.sha256"])
        self.assertEqual((self.root / "archives/1.0").read_bytes(), BODY)
        self.assertIn("state done", self.report.read_text())

    def assert_failed(self, code, fault, why):
        self.assertEqual(code, {"source": SOURCE, "release": RELEASE, "host": HOST}[fault],
                         self.said)
        self.assertIn(why, self.said)
        self.assertIn(f"fault {fault}\n", self.report.read_text())
        self.assertFalse((self.root / "archives/1.0").exists())


class Download(Fixture):
    def test_is_what_the_server_gives(self):
        self.assert_fetched(self.fetch("app.tar?token=secret"))
        self.assertNotIn("secret", self.said)
        self.assertEqual(self.run_verb("unpack"), DONE, self.said)
        self.assertEqual((self.root / "releases/1.0/app").stat().st_size, 300_000)
        self.assert_fetched(self.fetch("app.tar"))
        self.assertEqual(self.web.times("app.tar"), 1, "it is there already")

    def test_goes_on_where_it_was_cut(self):
        self.assert_fetched(self.fetch("cut"))
        self.assertEqual(self.web.headers("cut")[1]["Range"], f"bytes={len(BODY) // 2}-")
        self.assertIn("going on at byte", self.said)

    def test_begins_anew_where_nothing_vouches_for_the_beginning(self):
        self.assert_fetched(self.fetch("weak"))
        self.assertNotIn("Range", self.web.headers("weak")[1])

    def test_begins_anew_when_the_file_has_changed(self):
        self.assert_fetched(self.fetch("changed"))
        self.assertIn("Range", self.web.headers("changed")[1])

    def test_does_not_believe_in_another_part(self):
        self.assert_fetched(self.fetch("askew"))

    def test_is_tried_again_while_the_server_is_busy(self):
        self.assert_fetched(self.fetch("busy"))
        self.assertEqual(self.web.times("busy"), 3)
        self.assertIn("answers 503; again in 250 ms", self.said)

    def test_waits_as_long_as_the_server_asks_for(self):
        self.assert_fetched(self.fetch("limited"))
        self.assertIn("answers 429; again in 1 s", self.said)

    def test_is_given_up_when_the_time_is_over(self):
        self.assert_failed(self.fetch("down", "--time-limit", "1"), "source", "the time is over")
        self.assertGreater(self.web.times("down"), 1)

    def test_is_given_up_after_some_attempts_without_progress(self):
        code = self.fetch("short")
        self.assert_failed(code, "source", "6 attempts in a row")

    def test_is_given_up_at_once_when_there_is_nothing(self):
        self.assert_failed(self.fetch("nowhere"), "source", "the server answers 404")
        self.assertEqual(self.web.times("nowhere"), 1)

    def test_is_given_up_when_nobody_listens(self):
        url = self.web.url("app.tar")
        self.web.close()
        code = self.run_verb("fetch", "--source", url, "--sha256", DIGEST, "--time-limit", "1")
        self.assert_failed(code, "source", "again in")

    def test_that_stalls_has_failed(self):
        code = self.fetch("hanging", "--stall", "0.3", "--time-limit", "4")
        self.assert_failed(code, "source", "the transfer has stalled")

    def test_follows_redirects_but_not_for_ever(self):
        self.web.elsewhere = "/app.tar"
        self.assert_fetched(self.fetch("elsewhere"))
        self.run_verb("remove")
        self.assert_failed(self.fetch("loop"), "source", "more than 5 redirects")
        self.assertEqual(self.web.times("loop"), 6)

    def test_follows_no_redirect_to_another_scheme(self):
        victim = self.folder / "victim.tar"
        victim.write_bytes(BODY)
        self.web.elsewhere = f"file://{victim}"
        self.assert_failed(self.fetch("elsewhere"), "source", "redirect")

    def test_of_another_checksum_is_not_kept(self):
        self.assert_failed(self.fetch("app.tar", sha256="0" * 64), "release", "and not 0000")
        self.assertEqual(self.kept(), [])

    def test_that_is_too_large_is_refused_before_it_begins(self):
        self.assert_failed(self.fetch("huge"), "release", "larger than 16GiB")
        self.assertEqual(self.kept(), [])

    def test_ignores_proxies(self):
        os.environ["http_proxy"] = os.environ["ALL_PROXY"] = "http://127.0.0.1:1"
        self.addCleanup(os.environ.pop, "http_proxy")
        self.addCleanup(os.environ.pop, "ALL_PROXY")
        self.assert_fetched(self.fetch("app.tar"))


class Secure(Fixture):
    def setUp(self):
        super().setUp()
        self.tls = make_certificate(self.folder)
        self.secure = WebSource(BODY, self.tls)
        self.addCleanup(self.secure.close)
        self.trust = "--ca-file", self.tls[0]

    def test_needs_no_checksum(self):
        self.assert_fetched(self.fetch("app.tar", *self.trust, sha256="", web=self.secure))

    def test_is_not_had_from_a_stranger(self):
        code = self.fetch("app.tar", web=self.secure)
        self.assert_failed(code, "source", "certificate")

    def test_never_leads_to_http(self):
        self.secure.elsewhere = self.web.url("app.tar?token=secret")
        code = self.fetch("elsewhere", *self.trust, web=self.secure)
        self.assert_failed(code, "source", "a redirect from https to http")
        self.assertEqual(self.web.times("app.tar"), 0)
        self.assertNotIn("secret", self.said)

    def test_list_of_checksums(self):
        def fetch():
            return self.run_verb("fetch", "--source", self.web.url("app.tar"), "--checksums",
                                 self.secure.url("sums"), *self.trust)
        self.secure.sums = f"{DIGEST}  app.tar\n".encode()
        self.assert_fetched(fetch())
        self.run_verb("remove")
        self.secure.sums = f"{'1' * 64}  app.tar\n".encode()
        self.assert_failed(fetch(), "release", "its SHA-256 is")
        self.secure.sums = f"{DIGEST}  other.tar\n".encode()
        self.assert_failed(fetch(), "release", "has none for app.tar")
        self.secure.sums = b"x" * (2 << 20)
        self.assert_failed(fetch(), "release", "larger than 1MiB")


class Killed(Fixture):
    """In the middle of a download, which the server holds."""

    def until_half(self):
        program = subprocess.Popen(list(map(str, self.words(
            "fetch", "--source", self.web.url("gate"), "--sha256", DIGEST))),
            stderr=subprocess.DEVNULL)
        self.addCleanup(program.wait)
        self.addCleanup(program.kill)
        partial = self.root / "archives/1.0.partial"
        with select.epoll() as nothing:
            for _ in range(3000):
                if partial.exists() and partial.stat().st_size == len(BODY) // 2:
                    break
                nothing.poll(0.01)
            else:
                self.fail("half of it never came")
        children = Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()
        self.assertEqual(len(children), 1)
        return program, int(children[0])

    def test_had_told_how_far_it_was(self):
        self.until_half()
        wanted = f"step download\nbytes {len(BODY) // 2}\ntotal {len(BODY)}\n"
        with select.epoll() as nothing:
            for _ in range(3000):
                if wanted in self.report.read_text():
                    break
                nothing.poll(0.01)
        self.assertIn(wanted, self.report.read_text())
        self.assertIn("state running", self.report.read_text())

    def test_goes_on_in_the_next_run(self):
        program, child = self.until_half()
        watched = os.pidfd_open(child)
        self.addCleanup(os.close, watched)
        program.kill()
        program.wait()
        self.assertTrue(select.select([watched], [], [], 30)[0], "the child dies with its parent")
        self.assert_fetched(self.fetch("gate"))
        self.assertEqual(self.web.headers("gate")[1]["Range"], f"bytes={len(BODY) // 2}-")

    def test_is_fetched_whole_when_its_pieces_do_not_fit(self):
        program, _ = self.until_half()
        program.kill()
        program.wait()
        with open(self.root / "archives/1.0.partial", "r+b") as partial:
            partial.write(b"!")
        self.assert_fetched(self.fetch("gate"))
        self.assertIn("it is fetched anew", self.said)
        self.assertEqual(["Range" in headers for headers in self.web.headers("gate")],
                         [False, True, False])

    def test_does_not_go_on_with_another_source(self):
        program, _ = self.until_half()
        program.kill()
        program.wait()
        self.assert_fetched(self.fetch("app.tar"))
        self.assertNotIn("Range", self.web.headers("app.tar")[0])

    def test_second_run_waits_for_the_first(self):
        program, child = self.until_half()
        os.kill(program.pid, signal.SIGSTOP)
        os.kill(child, signal.SIGSTOP)
        second = subprocess.Popen(list(map(str, self.words("remove"))), stderr=subprocess.DEVNULL)
        self.addCleanup(second.wait)
        self.addCleanup(second.kill)
        with self.assertRaises(subprocess.TimeoutExpired):
            second.wait(0.3)
        os.kill(child, signal.SIGCONT)
        os.kill(program.pid, signal.SIGCONT)
        self.web.gate.set()
        program.wait(60)
        self.assertEqual(second.wait(60), DONE)
        self.assertEqual(self.kept(), [])

    @unittest.skipIf(os.geteuid() != 0, "without root there are no privileges to give up")
    def test_had_no_privileges(self):
        _, child = self.until_half()
        status = Path(f"/proc/{child}/status").read_text()
        for line in ("Uid:\t65534\t65534\t65534\t65534", "Gid:\t65534\t65534\t65534\t65534",
                     "Groups:\t ", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000",
                     "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"):
            self.assertIn(line + "\n", status)
        folders = [p for p in Path(f"/proc/{child}/fd").iterdir() if p.is_dir()]
        self.assertEqual(folders, [], "from a directory it could reach others")


@unittest.skipIf(os.geteuid() != 0, "without root no small disk can be made")
class Full(Fixture):
    """A disk of a mebibyte."""

    def setUp(self):
        super().setUp()
        self.root.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "keel-test", self.root],
                       check=True)
        self.addCleanup(subprocess.run, ["umount", self.root], check=True)

    def assert_given_back(self, code, *why):
        for one in why:
            self.assert_failed(code, "host", one)
        self.assertEqual(self.kept(), [])
        disk = os.statvfs(self.root)
        self.assertGreater(disk.f_bavail * disk.f_frsize, 900_000)

    def source(self, body):
        path = self.folder / "source.tar"
        path.write_bytes(body)
        return path

    def test_copy(self):
        code = self.run_verb("fetch", "--source", self.source(b"x" * (2 << 20)))
        self.assert_given_back(code, "2.0 MiB needed", "free")

    def test_directory(self):
        folder = self.folder / "source"
        folder.mkdir()
        (folder / "file").write_bytes(b"x" * (2 << 20))
        self.assert_given_back(self.run_verb("fetch", "--source", folder), "No space left")

    def test_download_of_known_size(self):
        self.web.body = b"x" * (2 << 20)
        self.assert_given_back(self.fetch("app.tar"), "2.0 MiB needed", "free")

    def test_download_of_unknown_size(self):
        self.web.body = b"x" * (2 << 20)
        self.assert_given_back(self.fetch("endless"), "No space left on device")
        self.assertIn("room again", self.said)

    def unpack(self, files):
        archive = self.source(tar_of(files))
        packed = self.folder / "source.tar.gz"
        subprocess.run(["gzip", "-k", archive], check=True)
        self.assertEqual(self.run_verb("fetch", "--source", packed), DONE, self.said)
        kept, before = self.kept(), os.statvfs(self.root).f_bavail
        code = self.run_verb("unpack")
        self.assertEqual(code, HOST, self.said)
        self.assertEqual(self.kept(), kept, "the archive is not at fault")
        self.assertEqual(list((self.root / "releases").iterdir()), [])
        self.assertEqual(os.statvfs(self.root).f_bavail, before)

    def test_unpacking_is_not_begun(self):
        self.unpack({"file": b"x" * (2 << 20)})
        self.assertIn("2.0 MiB needed", self.said)

    def test_unpacking(self):
        self.unpack({f"file-{i}": b"x" for i in range(600)})
        self.assertIn("No space left on device: ", self.said)
        self.assertIn("in 600 entries needed, 0 B free", self.said)


def main():
    global PROGRAM
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=Path, required=True)
    parser.add_argument("--inside", action="store_true", help="the namespace is there already")
    parser.add_argument("tests", nargs="*", help="Class or Class.test")
    options = parser.parse_args()
    if os.geteuid() == 0 and not options.inside:
        os.execvp("unshare", ["unshare", "--mount", sys.executable, "-B", *sys.argv, "--inside"])
    PROGRAM = options.bin.resolve() / "keel-release"
    unittest.main(argv=[sys.argv[0], *options.tests], verbosity=2)


if __name__ == "__main__":
    main()
