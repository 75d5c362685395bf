#!/usr/bin/python3
"""A worker: takes one job at a time off the backbone and carries it out.

When the backbone goes away it says so once, tries again with growing pauses, and says when it is
back. SIGTERM: finishes the job in its hands and exits 0, within a second.

Environment: BACKBONE (host:port), NAME (what to sign results with).
"""
import hashlib
import os
import signal
import threading

import redis

import backbone

WAIT = 1.0  # seconds that one BLPOP waits for a job; so late may a SIGTERM be noticed
PAUSE_MAX = 2.0  # seconds between two tries to reach the backbone

name = os.environ.get("NAME", "worker")
log = backbone.log_to_stderr(name)


class Worker:
    def __init__(self):
        self.client = backbone.connect(wait=WAIT)
        self.reachable = True
        self.stopping = threading.Event()

    def stop(self, *_):
        self.stopping.set()

    def run(self):
        pause = 0.05
        while not self.stopping.is_set():
            try:
                self.take_one()
                pause = 0.05
            except redis.RedisError as problem:
                self.saw(False, problem)
                self.stopping.wait(pause)
                pause = min(pause * 2, PAUSE_MAX)

    def take_one(self):
        taken = self.client.blpop([backbone.QUEUE], timeout=WAIT)
        self.saw(True)
        if taken is not None:
            self.carry_out(taken[1])

    def carry_out(self, job_id):
        key = backbone.job_key(job_id)
        text = self.client.hget(key, "text") or ""
        result = hashlib.sha256(text.encode()).hexdigest()
        steps = self.client.pipeline()
        steps.hset(key, mapping={"state": "done", "result": result, "worker": name})
        steps.incr(backbone.DONE)
        steps.execute()

    def saw(self, reachable, why=""):
        if reachable != self.reachable:
            log.info("the backbone is back" if reachable else f"the backbone is away: {why}")
        self.reachable = reachable


def main():
    worker = Worker()
    signal.signal(signal.SIGTERM, worker.stop)
    signal.signal(signal.SIGINT, worker.stop)
    log.info("taking jobs")
    worker.run()
    log.info("stopped")


if __name__ == "__main__":
    main()
