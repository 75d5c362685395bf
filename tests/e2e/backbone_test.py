#!/usr/bin/python3
"""The morning that Keel is for: the backbone is gone and does not come back for a while.

A real Redis, API server and worker. What stands on the backbone waits for it, each as its unit file
says: the API goes on and is unready, the worker is bound to it and leaves, and what is to start
meanwhile is blocked and names what it waits for. None of them spends its budget, which is one
failure. Once the backbone can start, everything is back, and nobody has typed a command.
"""
import os
import re
import signal

from example import Example
from harness import Keel, alive, check, read_options, run_as_test, until

BUDGET_OF_ONE = """
[escalation]
failures = 1
ladder = ["restart", "give-up"]
"""
SOON = """
[restart]
delay = "20ms"
delay_max = "200ms"
[escalation]
failures = 3
retry_every = "200ms"
"""


class Morning:
    def __init__(self, keel):
        self.keel = keel
        self.example = Example(keel)
        self.conf = keel.root / "backbone.conf"

    def write_units(self):
        app = self.example.copy_programs()
        backbone = self.example.text_of("network-backbone", app)
        command = f'command = ["redis-server", "{self.conf}"]\n'
        backbone = re.sub(r"(?ms)^command .*?^\]\n", lambda _: command, backbone)
        self.keel.write_unit("network-backbone", backbone + SOON)
        self.keel.write_unit("api-server", self.example.text_of("api-server", app) + BUDGET_OF_ONE)
        worker = self.example.text_of("worker", app).replace("requires ", "binds_to ")
        self.keel.write_unit("worker", worker + BUDGET_OF_ONE)

    def let_the_backbone_start(self):
        self.conf.write_text(f'bind 127.0.0.1\nport {self.example.backbone}\nsave ""\n')
        self.conf.chmod(0o644)

    def instances(self, unit):
        return self.keel.status()[unit]["instances"]

    def are(self, unit, state, reason=""):
        return all(each["state"] == state and reason in each["reason"]
                   for each in self.instances(unit))

    def lose_the_backbone(self):
        pids = self.keel.pids()
        self.conf.unlink()
        os.kill(pids["network-backbone"], signal.SIGKILL)
        until("the worker is blocked",
              lambda: self.are("worker", "blocked", "network-backbone"))
        check(not alive(pids["worker.1"]) and not alive(pids["worker.2"]),
              "the worker is bound to the backbone: it is stopped, and blocked on network-backbone")
        until("the API is unready", lambda: self.are("api-server", "unready", "503"))
        check(self.keel.pids()["api-server"] == pids["api-server"],
              "the API requires it for its start only: it goes on, and is unready")
        why = self.keel.run("why", "worker").stdout
        check("network-backbone" in why, "`keel why worker` names the backbone")

    def crash_the_api_too(self):
        os.kill(self.keel.pids()["api-server"], signal.SIGKILL)
        until("the API is blocked",
              lambda: self.are("api-server", "blocked", "network-backbone"))
        check(True, "an API that crashes meanwhile is blocked on network-backbone")

    def wait_for_the_ladder(self):
        until("the backbone's budget is spent, more than once",
              lambda: self.keel.status()["network-backbone"]["rung"] == "retry")
        self.keel.kill_engine()
        check(self.are("worker", "blocked") and self.are("api-server", "blocked"),
              "the backbone climbs to its last rung, the engine is killed: they wait all the same")

    def bring_it_back(self):
        self.let_the_backbone_start()
        units = until("all is ready", lambda: all(
            unit["status"] == "up" for unit in self.keel.status().values()) and self.keel.status())
        check(all(units[name]["rung"] == "restart" for name in ("api-server", "worker")),
              "the backbone is back and so is all that stands on it, with its budget unspent")
        self.example.submit(10)
        check(True, "jobs flow again")

    def run(self):
        self.write_units()
        self.let_the_backbone_start()
        self.keel.start()
        self.keel.wait("network-backbone", "api-server", "worker")
        self.example.submit(10)
        self.lose_the_backbone()
        self.crash_the_api_too()
        self.wait_for_the_ladder()
        self.bring_it_back()


def main():
    with Keel(read_options().bin, "keel-backbone-") as keel:
        Morning(keel).run()


if __name__ == "__main__":
    run_as_test(main)
