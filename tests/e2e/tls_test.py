#!/usr/bin/python3
"""The port for pages behind TLS: a real curl, certificates that are renewed or wrong, and strangers
who begin a handshake and do not go on, say something else, or say nothing.
"""
import json
import os
import random
import re
import select
import socket
import ssl
import subprocess
import time

from harness import Failed, Keel, check, read_options, run_as_test, until

CONNECTIONS = 128  # at once, of pages
EC = "ec", "-pkeyopt", "ec_paramgen_curve:P-256"
RENEWED_WITHIN = 60  # seconds; keeld looks every ten


class Files:
    """Certificate and key, of which both change their contents at once, as far as anybody can."""

    def __init__(self, folder):
        self.folder = folder
        self.certificate, self.key = folder / "web1.pem", folder / "web1.key"

    def make(self, name, *words, kind=EC):
        """A new pair, elsewhere."""
        pair = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", *kind, "-days", "30",
                        "-subj", f"/CN={name}", "-addext",
                        "subjectAltName=DNS:localhost,DNS:panel.example.org,IP:127.0.0.1",
                        "-out", pair[0], "-keyout", pair[1], *(words or ["-nodes"])],
                       check=True, capture_output=True)
        pair[1].chmod(0o600)
        return pair

    def install(self, certificate, key):
        for source, place in ((certificate, self.certificate), (key, self.key)):
            draft = place.with_suffix(".new")
            draft.write_bytes(source.read_bytes())
            draft.chmod(0o600)
            draft.rename(place)


class Port:
    def __init__(self, keel, files):
        self.keel, self.files = keel, files

    def curl(self, path, *words, trust=None):
        return subprocess.run(
            ["curl", "-sS", "--max-time", "20", "--cacert", trust or self.files.certificate, *words,
             f"https://localhost:{self.keel.http}{path}"], capture_output=True, text=True)

    def subject(self):
        """Of the certificate that is served now; none: nobody is."""
        try:
            with socket.create_connection(("127.0.0.1", self.keel.http), 20) as plain:
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                with context.wrap_socket(plain, server_hostname="localhost") as one:
                    der = one.getpeercert(True)
        except OSError:
            return None
        text = subprocess.run(["openssl", "x509", "-inform", "der", "-noout", "-subject"],
                              input=der, capture_output=True, check=True).stdout.decode()
        return re.search(r"CN ?= ?(\S+)", text).group(1)

    def plain(self):
        one = socket.create_connection(("127.0.0.1", self.keel.http), 20)
        one.setblocking(False)
        return one

    def shaken(self):
        """A connection whose handshake is done; none: all places are taken, by some who have left
        but whose end keeld has not come to yet, and who comes is turned away without a word."""
        one = socket.create_connection(("127.0.0.1", self.keel.http), 20)
        try:
            return self.context().wrap_socket(one, server_hostname="localhost")
        except (ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            one.close()
            return None

    def context(self):
        return ssl.create_default_context(cafile=self.files.certificate)


def is_ended(one):
    """Whether the other side has ended the connection; takes what it said before."""
    try:
        while one.recv(65536):
            pass
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def client_hello(port):
    """What a real client says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    speaker = port.context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        speaker.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def served(keel, port):
    answer = port.curl("/healthz", "-i")
    check(answer.returncode == 0 and "HTTP/1.1 200" in answer.stdout, "curl is served over TLS")
    page = port.curl("/metrics").stdout
    check(page.endswith("\n") and "keel_build_info" in page, f"also a page of {len(page)} bytes")
    check(port.curl("/healthz", "--tls-max", "1.1").returncode != 0, "not with TLS 1.1")
    check("421" in port.curl("/healthz", "-i", "-H", "Host: evil.example").stdout.split("\n")[0],
          "not under another name")
    named = port.curl("/healthz", "-i", "-H", "Host: panel.example.org").stdout
    check("200" in named.split("\n")[0], "under a name that the certificate has")


def entered(keel, port):
    link = keel.run("web").stdout.strip()
    check(link.startswith(f"https://localhost:{keel.http}/enter/"), f"keel web prints {link[:26]}…")
    jar = keel.root / "jar"
    head = port.curl(link[link.index("/enter/"):], "-i", "-c", jar).stdout
    cookie = next(line for line in head.splitlines() if line.startswith("Set-Cookie"))
    begin = f"Set-Cookie: __Host-keel-{keel.http}="
    check(cookie.startswith(begin) and cookie.endswith("; Secure"),
          "the cookie is for this host and port, and for TLS alone")
    stream = subprocess.Popen(["curl", "-sSN", "--cacert", port.files.certificate, "-b", jar,
                               f"https://localhost:{keel.http}/v1/events?unit=steady"],
                              stdout=subprocess.PIPE, text=True)
    check(stream.stdout.readline().startswith(":"), "a stream of events begins")
    keel.run("restart", "steady")
    for line in stream.stdout:
        if line.startswith("data: "):
            break
    check(json.loads(line[6:])["unit"] == "steady", "and tells what happens")
    left = port.curl("/leave", "-b", jar, "-X", "POST", "-H", "Content-Length: 0")
    check("left the dashboard" in left.stdout and stream.wait(20) == 0,
          "whoever leaves has his stream ended in good order")


def plainly_spoken_to(keel, port):
    one = socket.create_connection(("127.0.0.1", keel.http), 20)
    one.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    said = b""
    while part := one.recv(4096):
        said += part
    check(said.startswith(b"HTTP/1.1 400") and b"https://" in said,
          "plain HTTP is told what is spoken here")
    one.close()


def handshakes_half_done(keel, port):
    """More than are served at once: some say nothing, some half of their first words, some drip."""
    hello = client_hello(port)
    silent = [port.plain() for _ in range(CONNECTIONS // 2)]
    half = [port.plain() for _ in range(CONNECTIONS // 2)]
    for one in half:
        one.sendall(hello[:len(hello) // 2])
    dripping = [port.plain() for _ in range(20)]
    strangers = silent + half + dripping
    began = time.monotonic()
    slowest = 0
    dripped = 0
    while strangers:
        if time.monotonic() - began > 30:
            raise Failed(f"{len(strangers)} strangers are not cut off")
        asked = time.monotonic()
        keel.run("status", "steady")
        slowest = max(slowest, time.monotonic() - asked)
        for one in dripping:
            try:
                one.send(hello[dripped:dripped + 1])
            except OSError:
                pass
        dripped += 1
        ended = [one for one in strangers if is_ended(one)]
        for one in ended:
            one.close()
        strangers = [one for one in strangers if one not in ended]
        dripping = [one for one in dripping if one not in ended]
        select.select([], [], [], 0.1)
    check(time.monotonic() - began < 30, "who does not finish his handshake is cut off, after "
          f"{time.monotonic() - began:.1f} s at the latest")
    check(slowest < 2, f"meanwhile `keel status` took {slowest * 1000:.0f} ms at most")
    until("the port is there for others again", lambda: port.curl("/healthz").returncode == 0)


def nonsense(keel, port):
    """First words with bytes changed, left out, and put in; whole handshakes that break off."""
    hello, rng, engine = client_hello(port), random.Random(7), keel.engine_pid()
    for _ in range(1500):
        words = bytearray(hello)
        for _ in range(rng.choice((1, 2, 10, 200))):
            place = rng.randrange(len(words))
            match rng.randrange(3):
                case 0: words[place] = rng.randrange(256)
                case 1: del words[place:place + rng.randrange(1, 40)]
                case 2: words[place:place] = rng.randbytes(rng.randrange(1, 40))
            words = words or bytearray(b"\x16")
        try:
            one = port.plain()
            one.sendall(words)
            one.close()
        except OSError:
            pass
    for _ in range(100):
        one = until("the port has a place", port.shaken)
        one.sendall(b"GET /metrics HT")
        os.close(one.detach())
    until("the port is there for others", lambda: port.curl("/healthz").returncode == 0)
    check(keel.engine_pid() == engine, "1,600 strangers with nonsense to say harmed nobody")


def renewed(keel, port):
    old = port.files.certificate.read_bytes()
    trust = keel.root / "old.pem"
    trust.write_bytes(old)
    port.files.install(*port.files.make("second"))
    until("the new certificate is served", lambda: port.subject() == "second", RENEWED_WITHIN)
    check(port.curl("/healthz").returncode == 0, "a certificate that is renewed is served")
    check(port.curl("/healthz", trust=trust).returncode == 60, "and the old one is not")
    check("has a new certificate" in keel.log.read_text(), "which the log tells")


def wrong(keel, port):
    """What cannot be used does not take the place of what can; `keel check` tells all of it."""
    second = port.files.make("third")
    port.files.install(port.files.certificate, second[1])
    until("the log tells of it", lambda: "is not the key of the certificate" in
          keel.log.read_text(), RENEWED_WITHIN)
    check(port.subject() == "second", "a key of another certificate changes nothing")

    def refused(what, *words):
        said = keel.run("check", check=False)
        text = said.stdout + said.stderr
        check(said.returncode != 0 and all(word in text for word in words),
              f"check tells of {what}: {text.strip().splitlines()[0]}")

    refused("another's key", "http.tls.key", "is not the key of the certificate")
    port.files.key.chmod(0o644)
    refused("a key for everybody", "http.tls.key", "everybody on this host may read it")
    port.files.key.unlink()
    refused("a key that is missing", "http.tls.key", "No such file")
    locked = port.files.make("locked", "-passout", "pass:words")
    port.files.install(*locked)
    refused("a key with a passphrase", "is encrypted")
    weak = port.files.make("weak", kind=["rsa:1024"])
    port.files.install(*weak)
    refused("a key that is too small", "key too small")
    port.files.install(port.files.key, port.files.key)
    refused("a file without a certificate", "http.tls.certificate", "does not hold a certificate")
    check(port.subject() == "second", "all the while the last good certificate was served")
    check(keel.run("web").returncode == 0, "and `keel web` opens it")


def without(keel, port):
    """A start with nothing that could be served; then there is."""
    keel.kill_engine()
    until("the next engine works", lambda: keel.status()["steady"]["status"] == "up")
    said = keel.run("web", check=False)
    check(said.returncode != 0 and "no certificate" in said.stderr + said.stdout,
          f"without a certificate no link: {(said.stderr or said.stdout).strip().splitlines()[0]}")
    check(port.subject() is None, "and nobody is served")
    port.files.install(*port.files.make("last"))
    until("the certificate is served", lambda: port.subject() == "last", RENEWED_WITHIN)
    check(port.curl("/healthz").returncode == 0, "as soon as there is one, everybody is")


def run(bin_dir):
    with Keel(bin_dir, prefix="keel-tls-") as keel:
        files = Files(keel.root)
        files.install(*files.make("first"))
        keel.write_unit("steady", 'command = ["/usr/bin/tail", "-f", "/dev/null"]')
        (keel.root / "etc/keel/keel.toml").write_text(
            f'[http.tls]\ncertificate = "{files.certificate}"\nkey = "{files.key}"\n')
        check(keel.run("check").returncode == 0, "`keel check` has nothing against the files")
        keel.start()
        keel.wait("steady")
        port = Port(keel, files)
        for part in (served, entered, plainly_spoken_to, handshakes_half_done, nonsense, renewed,
                     wrong, without):
            print(part.__name__.replace("_", " "), flush=True)
            part(keel, port)


def main():
    run(read_options(__doc__).bin)


if __name__ == "__main__":
    run_as_test(main)
