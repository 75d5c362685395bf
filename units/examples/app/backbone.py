"""What the API server and the workers share: the connection to the backbone, jobs, the log."""
import logging
import os
import sys

import redis

QUEUE = "jobs:waiting"
DONE = "jobs:done"
KEEP_RESULT = 3600  # seconds


def job_key(job_id):
    return f"job:{job_id}"


def connect(wait=0.0):
    """A client of the backbone named in BACKBONE (host:port). Nothing is connected before the first
    command; each command fails within half a second, plus `wait` for one that blocks on purpose."""
    host, port = os.environ.get("BACKBONE", "127.0.0.1:6390").rsplit(":", 1)
    return redis.Redis(host=host, port=int(port), decode_responses=True,
                       socket_connect_timeout=0.5, socket_timeout=0.5 + wait,
                       health_check_interval=0)


def log_to_stderr(name):
    """One line per event; the supervisor keeps it, so no file is opened here."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO,
                        format=f"%(asctime)s {name}: %(message)s")
    return logging.getLogger(name)
