"""A control group of one's own, as systemd would hand one down, and tests that run with it and
without.
"""
import os
from pathlib import Path

from harness import read_options

CGROUP2 = ("/sys/fs/cgroup/unified", "/sys/fs/cgroup")


def own_cgroup():
    """A cgroup v2 that this test made, or None where it may not."""
    for mount in map(Path, CGROUP2):
        if not (mount / "cgroup.controllers").exists():
            continue
        try:
            made = mount / f"keel-e2e-{os.getpid()}"
            made.mkdir()
            return made
        except OSError:
            continue
    return None


def remove(cgroup):
    for folder in sorted(cgroup.rglob("*/"), reverse=True):
        folder.rmdir()
    cgroup.rmdir()


def run_with_and_without(doc, test):
    """`test(bin_dir)` without control groups, and in one where one may be made here."""
    bin_dir = read_options(doc).bin
    print("without a cgroup", flush=True)
    os.environ["KEEL_CGROUP"] = ""
    test(bin_dir)
    folder = own_cgroup()
    if folder is None:
        print("no cgroup v2 may be made here: not tested in one")
        return
    print("in a cgroup", flush=True)
    os.environ["KEEL_CGROUP"] = str(folder)
    try:
        test(bin_dir)
    finally:
        remove(folder)
