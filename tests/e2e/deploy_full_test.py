"""Deployments onto a disk that is full, at each of their steps: the message says so, the former
release runs on untouched, and the room is given back.

The disk is a tmpfs of its own, as are Keel's records. Skipped (77) where none can be mounted.
"""
import ctypes
import os
import sys

from deploying import UNIT, Deployed
from harness import Failed, Keel, check, read_options, run_as_test, until

MIB = 1 << 20
ROOM = 4 * MIB
MS_NODEV_NOSUID = 4 | 2
libc = ctypes.CDLL(None, use_errno=True)


class Disk:
    """A small one, at a folder."""

    def __init__(self, folder, options):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        if libc.mount(b"none", os.fsencode(folder), b"tmpfs", MS_NODEV_NOSUID, options) != 0:
            print(f"no tmpfs can be mounted here: {os.strerror(ctypes.get_errno())}")
            sys.exit(77)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        libc.umount2(os.fsencode(self.folder), 2)

    def free(self):
        stat = os.statvfs(self.folder)
        return stat.f_bavail * stat.f_bsize

    def fill(self):
        """Not a byte is left."""
        with (self.folder / "ballast").open("ab", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"\0" * 4096)
            except OSError:
                return


def refused(deployed, disk, release, step, says):
    """The deployment fails at that step for want of room, and nothing has changed."""
    pid = deployed.unit()["instances"][0]["pid"]
    free = disk.free()
    answer = deployed.deploy(release)
    text = answer["text"]
    check(answer["outcome"] == "failed" and text.startswith(step + ": ") and says in text,
          f"full at {step}: {text}")
    check(deployed.judge("r0", release) == "r0", f"r0 is whole, nothing is left of {release}")
    until("the room is given back", lambda: disk.free() >= free)
    return pid == deployed.unit()["instances"][0]["pid"]


def steps_without_room(deployed, disk):
    hog = f"head -c 100M /dev/zero > {disk.folder}/hog || {{ rm {disk.folder}/hog; exit 28; }}"
    deployed.pack("fat", ballast=8 * MIB)
    check(refused(deployed, disk, "fat", "fetch", "full"), "its process was not touched")
    deployed.pack("wide", ballast=5 * MIB // 2)
    check(refused(deployed, disk, "wide", "unpack", "full"), "its process was not touched")
    deployed.pack("hog", migration=hog)
    check(refused(deployed, disk, "hog", "migrate", "exit 28"), "its process was not touched")
    deployed.pack("swollen", program=hog)
    refused(deployed, disk, "swollen", "roll", "exit 28")


def records_without_room(deployed, records):
    """What only this boot remembers is enough to go on."""
    records.fill()
    # What is left of the last page of a file is room still, for one of them.
    for former, release in (("r0", "r1"), ("r1", "r2")):
        deployed.pack(release)
        answer = deployed.deploy(release)
        check(answer["outcome"] == "done" and deployed.judge(former, release) == release,
              f"without room for Keel's records: {answer['text']}")
    log = deployed.keel.log.read_text()
    check("releases" in log and "No space left on device" in log, "it is told what is not kept")
    deployed.keel.kill_engine()
    check(deployed.settles()["release"] == "r2", "and the next engine knows of it")


def main():
    options = read_options(__doc__)
    if os.geteuid() != 0:
        print("only root can mount")
        sys.exit(77)
    with Keel(options.bin) as keel, Disk(keel.root / "srv", b"size=%d" % ROOM) as disk, \
            Disk(keel.root / "var/lib/keel", b"size=%d" % MIB) as records:
        deployed = Deployed(keel, root=disk.folder / UNIT)
        deployed.pack("r0")
        keel.start()
        first = deployed.deploy("r0")
        if first["outcome"] != "done":
            raise Failed(first["text"])
        steps_without_room(deployed, disk)
        records_without_room(deployed, records)
        keel.stop()


if __name__ == "__main__":
    run_as_test(main)
