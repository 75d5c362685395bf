"""A real systemd as PID 1 of namespaces of its own, on a throw-away overlay of this host's root.

    with Systemd(files={"etc/foo.conf": b"..."}) as host:
        host.run("systemctl", "start", "foo.service")

The host's files are read only through the overlay; what is written goes to a tmpfs that vanishes
with the namespace. /run and /tmp are fresh too: systemd-tmpfiles would empty the real ones. Ending
the block kills the namespace's PID 1, and with it everything inside.
"""
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from harness import Failed, descendants, until

UNSHARE = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--propagation", "private",
           "--cgroup", "--uts", "--ipc"]
SYSTEMD = "/lib/systemd/systemd"

# Run by sh inside the namespaces, in the work folder. The overlay's writable half lies on a tmpfs,
# since an overlay cannot have another overlay's folder as its upper one.
BOOT = """\
set -e
mount -t tmpfs tmpfs scratch
mkdir scratch/upper scratch/work
mount -t overlay overlay -o lowerdir=/,upperdir=scratch/upper,workdir=scratch/work root
cd root
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
cp -a ../files/. .
# Nothing but what the test brings: no service of this host starts a second time, and nothing that
# sets up a machine, which this is none.
rm -rf etc/systemd/system/*.wants
for unit in systemd-binfmt systemd-logind systemd-modules-load systemd-random-seed systemd-sysctl \\
            systemd-tmpfiles-setup-dev systemd-update-utmp; do
    ln -sf /dev/null etc/systemd/system/$unit.service
done
exec chroot . env -i container=oci PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
    SYSTEMD_GENERATOR_PATH=/nowhere \\
    {systemd} --system --unit=multi-user.target --log-level=warning --log-target=console \\
    --show-status=false
"""


def cgroup2_mount():
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, kind = line.split()[:3]
        if kind == "cgroup2":
            return Path(where)
    return None


def missing():
    """Why this host cannot run it, or ""."""
    if os.geteuid() != 0:
        return "needs root"
    if not os.access(SYSTEMD, os.X_OK):
        return "systemd is not installed"
    if cgroup2_mount() is None:
        return "no cgroup2 is mounted"
    probe = subprocess.run([*UNSHARE, "true"], capture_output=True, text=True)
    return "" if probe.returncode == 0 else f"no namespaces: {probe.stderr.strip()}"


class Systemd:
    def __init__(self, files):
        """`files`: path below the root: bytes, or a Path to copy with its mode."""
        self.work = Path(tempfile.mkdtemp(prefix="keel-systemd-", dir="/tmp"))
        for name in ("root", "scratch", "files"):
            (self.work / name).mkdir()
        for path, content in files.items():
            target = self.work / "files" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                shutil.copy(content, target)
            else:
                target.write_bytes(content)
        self.cgroup = cgroup2_mount() / self.work.name
        self.console = self.work / "console.log"
        self.shell = None
        self.init = None
        self.taken_from_root = ""

    def __enter__(self):
        self.cgroup.mkdir()
        script = self.work / "boot.sh"
        script.write_text(BOOT.format(systemd=SYSTEMD))
        with self.console.open("wb") as console:
            self.shell = subprocess.Popen(
                ["sh", "-c", 'echo 0 >"$0"; shift 0; exec "$@"', self.cgroup / "cgroup.procs",
                 *UNSHARE, "sh", script],
                cwd=self.work, stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        try:
            self.init = until("systemd runs", self.find_init)
            until("systemd has booted", self.booted)
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def find_init(self):
        if self.shell.poll() is not None:
            raise Failed(f"the namespace did not boot:\n{self.console.read_text()}")
        return next((pid for pid, name in descendants().items() if name == "systemd"), None)

    def booted(self):
        return self.run("systemctl", "is-system-running", check=False).stdout.strip() in (
            "running", "degraded")

    def run(self, *words, check=True, patience=60):
        """A command inside, as root."""
        done = subprocess.run(["nsenter", "--target", str(self.init), "--mount", "--pid", "--uts",
                               "--ipc", "--cgroup", "--root", "--wd", "--", *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=patience)
        if check and done.returncode != 0:
            raise Failed(f"{' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def hand_down(self, *groups):
        """Has the groups, and those above them, hand a real controller down. Its name; "" where
        the host has none to give."""
        root = self.cgroup.parent
        controllers = (root / "cgroup.controllers").read_text().split()
        if not controllers:
            return ""
        # Who started the namespace is in its topmost group, which then could not hand down.
        for pid in (self.cgroup / "cgroup.procs").read_text().split():
            (root / "cgroup.procs").write_text(pid)
        wanted = {root, self.cgroup}
        for group in groups:
            wanted |= {self.cgroup / group, *(self.cgroup / group).parents}
        if controllers[0] not in (root / "cgroup.subtree_control").read_text().split():
            self.taken_from_root = controllers[0]
        for folder in sorted(wanted):
            if folder == root or root in folder.parents:
                (folder / "cgroup.subtree_control").write_text("+" + controllers[0])
        return controllers[0]

    def end(self):
        if self.init is not None:
            os.kill(self.init, signal.SIGKILL)
        elif self.shell is not None and self.shell.poll() is None:
            self.shell.kill()
        if self.shell is not None:
            self.shell.wait(30)
        until("the namespace's cgroups are empty", self.remove_cgroups)
        if self.taken_from_root:
            try:
                (self.cgroup.parent / "cgroup.subtree_control").write_text(
                    "-" + self.taken_from_root)
            except OSError:
                pass  # others have come to need it
        shutil.rmtree(self.work, ignore_errors=True)

    def remove_cgroups(self):
        for folder, _, _ in os.walk(self.cgroup, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                return False
        return True
