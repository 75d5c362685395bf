#!/usr/bin/python3
"""Keel under a real systemd, with packaging/keel.service as it is shipped.

    systemd_test.py --bin build/dev/bin [unittest arguments]

A drop-in shortens the watchdog, so that the test of it does not take half a minute. Exit 77 and the
reason where this host cannot run systemd in namespaces.
"""
import argparse
import json
import sys
import unittest
from pathlib import Path

import namespace
from harness import until

SOURCE = Path(__file__).resolve().parents[2]
UNITS = ("store", "front", "talker")
SERVICE = "system.slice/keel.service"
SHORT_WATCHDOG = b"[Service]\nWatchdogSec=2s\nTimeoutAbortSec=1s\n"


def files(bin_dir):
    return {
        "usr/bin/keeld": bin_dir / "keeld",
        "usr/bin/keel": bin_dir / "keel",
        "usr/libexec/keel/keel-engine": bin_dir / "keel-engine",
        "usr/lib/systemd/system/keel.service": SOURCE / "packaging/keel.service",
        "etc/systemd/system/keel.service.d/test.conf": SHORT_WATCHDOG,
        "etc/keel/units/store.toml": b'command = "/usr/bin/tail -f /dev/null"\n',
        "etc/keel/units/talker.toml": b"""
command = ["/bin/sh", "-c", "echo hello; echo '<3>broken' >&2; exec sleep infinity"]
user = "nobody"
[log]
target = "journal"
""",
        "etc/keel/units/front.toml": b'command = "/usr/bin/tail -f /dev/null"\n'
                                     b'requires = ["store"]\ninstances = 2\n',
    }


class UnderSystemd(unittest.TestCase):
    bin_dir = None

    @classmethod
    def setUpClass(cls):
        cls.host = cls.enterClassContext(namespace.Systemd(files(cls.bin_dir)))

    def setUp(self):
        self.start()
        self.before = self.pids()

    # ---- what the tests are written in -------------------------------------------------------

    def start(self):
        self.host.run("systemctl", "start", "keel.service")
        self.wait_ready()

    def wait_ready(self):
        self.host.run("keel", "wait", *UNITS, "--for", "ready", "--timeout", "30s")

    def show(self, what):
        return self.host.run("systemctl", "show", "keel.service", "--property", what,
                             "--value").stdout.strip()

    def main_pid(self):
        return int(self.show("MainPID"))

    def pids(self):
        units = json.loads(self.host.run("keel", "status", "--json").stdout)["units"]
        return {instance["name"]: instance["pid"]
                for unit in units for instance in unit["instances"]}

    def alive(self, pid):
        return self.host.run("kill", "-0", str(pid), check=False).returncode == 0

    def until_restarted(self, old_main):
        until("systemd has started keeld again", lambda: self.show("ActiveState") == "active"
              and self.main_pid() not in (0, old_main))
        self.wait_ready()

    def hand_controllers_down(self):
        """As limits of a unit have it; where no controller that limits anything is at hand, any
        other does as well: what matters is that systemd can put no process into such a group."""
        if not self.host.hand_down(SERVICE, f"{SERVICE}/store"):
            self.skipTest("this host has no controller of cgroup v2 to hand down")
        self.assertNotEqual(self.handed_down(), "")

    def without_release_by_systemd(self):
        """Until the end of the test: nobody but keeld takes back what is handed down."""
        folder = "/run/systemd/system/keel.service.d"
        self.host.run("mkdir", "-p", folder)
        self.host.run("sh", "-c", f"printf '[Service]\\nExecStopPost=\\n' >{folder}/alone.conf")
        self.host.run("systemctl", "daemon-reload")
        self.addCleanup(self.host.run, "systemctl", "daemon-reload")
        self.addCleanup(self.host.run, "rm", f"{folder}/alone.conf")
        self.assertEqual(self.show("ExecStopPost"), "")

    def handed_down(self):
        return (self.host.cgroup / SERVICE / "cgroup.subtree_control").read_text().strip()

    # ---- the tests ---------------------------------------------------------------------------

    def test_ready_is_told_with_a_status_for_people(self):
        self.assertEqual(self.show("ActiveState"), "active")
        self.assertEqual(self.show("Type"), "notify")
        self.assertNotEqual(self.show("StatusText"), "")
        name = self.host.run("cat", f"/proc/{self.main_pid()}/comm").stdout.strip()
        self.assertEqual(name, "keeld")

    def test_a_killed_keeper_is_restarted_and_adopts_what_runs(self):
        old = self.main_pid()
        self.host.run("kill", "-KILL", str(old))
        self.until_restarted(old)
        self.assertEqual(self.pids(), self.before)

    def test_a_killed_engine_is_replaced_without_a_word_to_systemd(self):
        old, engine = self.main_pid(), self.host.run("cat", "/run/keel/engine.pid").stdout.strip()
        self.host.run("kill", "-KILL", engine)
        until("a new engine", lambda: self.host.run(
            "cat", "/run/keel/engine.pid", check=False).stdout.strip() not in ("", engine))
        until("it answers", lambda: self.host.run("keel", "status", check=False).returncode == 0)
        self.assertEqual(self.main_pid(), old)
        self.assertEqual(self.pids(), self.before)

    def test_a_restart_leaves_the_units_running(self):
        old = self.main_pid()
        self.host.run("systemctl", "restart", "keel.service")
        self.assertNotEqual(self.main_pid(), old)
        self.wait_ready()
        self.assertEqual(self.pids(), self.before)

    def test_a_reload_restarts_nothing(self):
        old = self.main_pid()
        self.host.run("systemctl", "reload", "keel.service")
        self.assertEqual(self.main_pid(), old)
        self.assertEqual(self.pids(), self.before)

    def test_a_keeper_that_hangs_is_replaced_by_the_watchdog(self):
        old = self.main_pid()
        self.host.run("kill", "-STOP", str(old))
        self.until_restarted(old)
        self.assertEqual(self.pids(), self.before)

    def test_a_restart_works_with_controllers_handed_down(self):
        self.without_release_by_systemd()
        self.hand_controllers_down()
        old = self.main_pid()
        self.host.run("systemctl", "restart", "keel.service")
        self.assertNotEqual(self.main_pid(), old)
        self.wait_ready()
        self.assertEqual(self.pids(), self.before)
        self.assertEqual(self.show("NRestarts"), "0", "219/CGROUP, and another try")

    def test_a_killed_keeper_is_restarted_with_controllers_handed_down(self):
        self.without_release_by_systemd()
        self.hand_controllers_down()
        old = self.main_pid()
        self.host.run("kill", "-KILL", str(old))
        self.until_restarted(old)
        self.assertEqual(self.pids(), self.before)

    def test_all_of_keeld_killed_at_once_is_restarted_with_controllers_handed_down(self):
        self.hand_controllers_down()
        old, engine = self.main_pid(), self.host.run("cat", "/run/keel/engine.pid").stdout.strip()
        # The engine must not see the keeper go, nor the keeper the engine.
        self.host.run("kill", "-STOP", engine)
        self.host.run("kill", "-KILL", str(old), engine)
        self.until_restarted(old)
        self.assertEqual(self.pids(), self.before)
        self.assertEqual(self.handed_down(), "")

    def test_a_stop_with_controllers_handed_down_leaves_nothing_in_the_way(self):
        self.hand_controllers_down()
        self.host.run("systemctl", "stop", "keel.service")
        self.assertEqual(self.show("Result"), "success")
        self.start()

    def journal(self, *words):
        """Messages of the unit talker."""
        self.host.run("journalctl", "--sync")
        return self.host.run("journalctl", "-t", "talker", "-o", "cat", *words,
                             check=False).stdout.split()

    def test_output_goes_to_the_journal_under_the_units_name(self):
        until("its lines are there", lambda: {"hello", "broken"} <= set(self.journal()))
        self.assertNotIn("hello", self.journal("-p", "err"))
        self.assertIn("broken", self.journal("-p", "err"))
        pid = str(self.before["talker"])
        self.assertIn("hello", self.journal(f"_PID={pid}"))
        told = self.host.run("keel", "logs", "talker").stderr
        self.assertIn("journalctl -t talker", told)
        self.assertEqual(self.host.run("keel", "logs", "-f", "talker", check=False).returncode, 1)

    def test_a_stop_stops_every_unit_and_the_next_start_works(self):
        self.host.run("systemctl", "stop", "keel.service")
        self.assertEqual(self.show("ActiveState"), "inactive")
        self.assertEqual(self.show("Result"), "success")
        self.assertEqual([name for name, pid in self.before.items() if self.alive(pid)], [])
        self.start()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=Path, required=True, help="where keeld and keel are")
    options, rest = parser.parse_known_args()
    why_not = namespace.missing()
    if why_not:
        print(f"SKIPPED: systemd cannot run in namespaces here: {why_not}")
        return 77
    UnderSystemd.bin_dir = options.bin.resolve()
    return 0 if unittest.main(argv=[sys.argv[0], *rest], exit=False).result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
