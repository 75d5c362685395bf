"""A web server for downloads that go wrong, each in its own way. It notes what it was asked."""
import http.server
import ssl
import subprocess
import threading

ETAG = '"one"'


class WebSource:
    """`body` is what every path means to give."""

    def __init__(self, body, tls=None):
        self.body = body
        self.asked = []  # (path, headers) in order
        self.gate = threading.Event()  # what hangs goes on when it is set
        self.elsewhere = ""  # where /elsewhere leads
        self.sums = b""
        handler = type("Handler", (Handler,), {"source": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # whoever has heard enough hangs up
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.base = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def url(self, path):
        return f"{self.base}/{path}"

    def times(self, path):
        return sum(1 for asked, _ in self.asked if asked == "/" + path)

    def headers(self, path):
        return [headers for asked, headers in self.asked if asked == "/" + path]

    def close(self):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    source = None

    def log_message(self, *_):
        pass

    def do_GET(self):  # noqa: N802, its name is the library's
        source = self.source
        path = self.path.split("?")[0]
        source.asked.append((path, dict(self.headers)))
        time = source.times(path[1:])
        self.close_connection = True
        getattr(self, "give_" + path[1:].replace("/", "_").replace(".", "_"), self.nothing)(time)

    def nothing(self, _):
        self.answer(404, b"no such thing")

    def answer(self, status, body, length=None, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length != "none":
            self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def rest(self, etag):
        """What a good server does: the rest of it, if it is still the same."""
        body, wanted = self.source.body, self.headers.get("Range", "")
        if not wanted or self.headers.get("If-Range") != etag:
            return self.answer(200, body, ETag=etag)
        begin = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if begin >= len(body):
            return self.answer(416, b"", Content_Range=f"bytes */{len(body)}")
        return self.answer(206, body[begin:], ETag=etag,
                           Content_Range=f"bytes {begin}-{len(body) - 1}/{len(body)}")

    def half(self, **headers):
        body = self.source.body
        self.answer(200, body[:len(body) // 2], len(body), **headers)

    def give_app_tar(self, _):
        self.rest(ETAG)

    def give_sums(self, _):
        self.answer(200, self.source.sums)

    def give_cut(self, time):
        self.half(ETag=ETAG) if time == 1 else self.rest(ETAG)

    def give_weak(self, time):
        self.half(ETag="W/" + ETAG) if time == 1 else self.rest("W/" + ETAG)

    def give_changed(self, time):
        self.half(ETag='"before"') if time == 1 else self.rest(ETAG)

    def give_askew(self, time):
        """Says that it is the rest, and gives another part."""
        if time == 1:
            return self.half(ETag=ETAG)
        if "Range" in self.headers:
            body = self.source.body
            return self.answer(206, body[7:], ETag=ETAG,
                               Content_Range=f"bytes 7-{len(body) - 1}/{len(body)}")
        return self.rest(ETAG)

    def give_busy(self, time):
        self.answer(503, b"later") if time < 3 else self.rest(ETAG)

    def give_limited(self, time):
        self.answer(429, b"later", Retry_After="1") if time == 1 else self.rest(ETAG)

    def give_down(self, _):
        self.answer(503, b"never")

    def give_short(self, _):
        self.answer(200, self.source.body, len(self.source.body) + 7)

    def give_loop(self, _):
        self.answer(302, b"", Location="/loop")

    def give_elsewhere(self, _):
        self.answer(302, b"x" * 200_000, Location=self.source.elsewhere)

    def give_huge(self, _):
        self.answer(200, b"x", 17 << 30)

    def give_endless(self, _):
        """Says nothing of how long it is."""
        self.answer(200, self.source.body, "none")

    def give_hanging(self, _):
        self.half(ETag=ETAG)
        self.source.gate.wait(60)

    def give_gate(self, time):
        if time > 1:
            return self.rest(ETAG)
        self.half(ETag=ETAG)
        self.source.gate.wait(60)
        return None


def make_certificate(folder):
    """(certificate, key) of 127.0.0.1, which vouches for itself."""
    pair = folder / "web.pem", folder / "web.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-out", pair[0], "-keyout", pair[1]],
                   check=True, capture_output=True)
    return pair
