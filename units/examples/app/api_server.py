#!/usr/bin/python3
"""The API server: takes jobs over HTTP and queues them on the backbone.

    POST /jobs          body: text; 202 {"id": …}, or 503 while the backbone is away
    GET  /jobs/ID       200 {"id", "state": "waiting" | "done", "result", "worker"}, or 404
    GET  /jobs/stats    200 {"waiting", "done"}
    GET  /healthz       200 while the process can answer at all
    GET  /readyz        200 if the backbone answers too, else 503

Environment: LISTEN (host:port), BACKBONE (host:port). SIGTERM: finishes open requests and exits 0.
"""
import json
import os
import signal
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import redis

import backbone

LONGEST_JOB = 64 * 1024  # bytes
log = backbone.log_to_stderr("api-server")


class BackboneWatch:
    """Logs when the backbone goes and when it is back, not every request that noticed."""

    def __init__(self):
        self._lock = threading.Lock()
        self._reachable = True

    def saw(self, reachable, why=""):
        with self._lock:
            changed = reachable != self._reachable
            self._reachable = reachable
        if changed:
            log.info("the backbone is back" if reachable else f"the backbone is away: {why}")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5  # seconds that a client may be silent
    client = backbone.connect()
    watch = BackboneWatch()

    def do_GET(self):
        if self.path == "/healthz":
            self.answer(200, {"status": "alive"})
        elif self.path == "/readyz":
            self.with_backbone(self.ready)
        elif self.path == "/jobs/stats":
            self.with_backbone(self.stats)
        elif self.path.startswith("/jobs/"):
            self.with_backbone(self.show_job)
        else:
            self.answer(404, {"error": "no such path"})

    def do_POST(self):
        if self.path != "/jobs":
            self.close_connection = True
            self.answer(404, {"error": "no such path"})
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LONGEST_JOB:
            self.close_connection = True
            self.answer(413, {"error": f"a job has at most {LONGEST_JOB} bytes"})
            return
        self.body = self.rfile.read(int(length)).decode(errors="replace")
        self.with_backbone(self.take_job)

    def with_backbone(self, action):
        """Runs `action`; a backbone that cannot be reached becomes 503 with a Retry-After."""
        try:
            status, answer = action()
        except redis.RedisError as problem:
            self.watch.saw(False, problem)
            self.answer(503, {"error": "the backbone is away"}, {"Retry-After": "1"})
        else:
            self.watch.saw(True)
            self.answer(status, answer)

    def ready(self):
        self.client.ping()
        return 200, {"status": "ready"}

    def take_job(self):
        job_id = uuid.uuid4().hex[:12]
        steps = self.client.pipeline()  # all of it or nothing
        steps.hset(backbone.job_key(job_id), mapping={"state": "waiting", "text": self.body})
        steps.expire(backbone.job_key(job_id), backbone.KEEP_RESULT)
        steps.rpush(backbone.QUEUE, job_id)
        steps.execute()
        return 202, {"id": job_id}

    def show_job(self):
        job_id = self.path.removeprefix("/jobs/")
        job = self.client.hgetall(backbone.job_key(job_id))
        if not job:
            return 404, {"error": "no such job"}
        return 200, {"id": job_id, "state": job["state"], "result": job.get("result"),
                     "worker": job.get("worker")}

    def stats(self):
        return 200, {"waiting": self.client.llen(backbone.QUEUE),
                     "done": int(self.client.get(backbone.DONE) or 0)}

    def answer(self, status, document, headers=None):
        body = json.dumps(document).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """One line per request would be all that the log ever says."""


class Server(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for the requests that are being answered
    request_queue_size = 128


def main():
    host, port = os.environ.get("LISTEN", "127.0.0.1:8790").rsplit(":", 1)
    server = Server((host, int(port)), Handler)

    def stop(number, _):
        log.info("%s: finishing open requests", signal.Signals(number).name)
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    log.info("listening on %s:%s", host, port)
    with server:
        server.serve_forever(poll_interval=0.1)
    log.info("stopped")


if __name__ == "__main__":
    main()
