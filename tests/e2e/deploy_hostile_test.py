"""Archives that mean harm, each given to `keel deploy` on a real keeld while a good release runs:
each is refused in words that name it, its neighbours and the running release are as they were, and
nothing is left of it.

    deploy_hostile_test.py --bin build/dev/bin

Prints what each of them is told. As root it proves the most, as the helper of keeld could then do
all that an archive asks for; as anybody else it runs as well.
"""
import hashlib
import json
import os
import stat
import time

from deploying import UNIT, Deployed, below
from harness import Failed, Keel, check, descendants, read_options, run_as_test, until
from hostile_archives import ARCHIVES, MIB, NOW, Tar

REFUSED = 1  # the exit code of a command that could not do what it was told to
PREFIX = f"keel: {UNIT}: deploy failed: "
SUFFIX = "; r0 is the current release"
SHOWN = 46  # characters of the beginning of a message in the table, and of its end


def shortened(told):
    """Without what all messages begin and end with, and what is in the middle of a long one."""
    why = told.removeprefix(PREFIX).removesuffix(SUFFIX)
    return why if len(why) <= 2 * SHOWN else f"{why[:SHOWN]} … {why[-SHOWN:]}"


def listing(folder):
    """What is in it: for each name its kind, mode, owner, content and, but for directories, which
    may have held more for a while, when it was written to."""
    found = {}
    for path in below(folder):
        about = path.lstat()
        fact = [oct(about.st_mode), about.st_uid, about.st_gid]
        if path.is_symlink():
            fact.append(os.readlink(path))
        elif stat.S_ISREG(about.st_mode):
            fact.append(hashlib.sha256(path.read_bytes()).hexdigest())
        if not stat.S_ISDIR(about.st_mode):
            fact.append(about.st_mtime_ns)
        found[str(path.relative_to(folder))] = tuple(fact)
    return found


class Outside:
    """A folder beside the releases that no archive has any business with."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "folder").mkdir(parents=True)
        for name, mode in (("victim", 0o640), ("folder/other", 0o600)):
            (folder / name).write_text("as it was")
            (folder / name).chmod(mode)
        for path in (*below(folder), folder):
            os.utime(path, (NOW, NOW))

    def facts(self):
        return listing(self.folder), {str(path): path.stat().st_mtime
                                      for path in (self.folder, self.folder / "folder")}


class Refusals:
    def __init__(self, keel):
        self.keel = keel
        # From releases/ID.partial/tree it is four folders up, from releases/ID three.
        self.deployed = Deployed(keel, more=f'checksums = "{keel.root}/archives/SHA256SUMS"')
        self.neighbours = [Outside(keel.root / "srv/outside"), Outside(keel.root / "outside")]
        self.known_facts, self.known_processes = {}, {}

    def put(self, release, archive, digest=None):
        """The archive, and its line in the list of checksums."""
        name = f"app-{release}.tar"
        (self.deployed.archives / name).write_bytes(archive)
        digest = digest or hashlib.sha256(archive).hexdigest()
        (self.deployed.archives / "SHA256SUMS").write_text(f"{digest}  {name}\n")

    def deploy(self, release):
        return self.keel.run("deploy", UNIT, release, check=False)

    def facts(self):
        """All that a refused archive must leave as it was, by what it is."""
        unit = self.deployed.unit()
        return {
            "the unit": [unit[key] for key in ("status", "release", "restarts", "deployment",
                                               "operation", "outage")],
            "the process": [instance["pid"] for instance in unit["instances"]],
            "what it runs": self.deployed.running(),
            "the engine": self.keel.engine_pid(),
            "keel releases": self.keel.run("releases", UNIT, "--json").stdout,
            "the folder of releases": listing(self.deployed.root),
            "the neighbours": [outside.facts() for outside in self.neighbours],
            "what files there are": {str(path) for path in below(self.keel.root)},
        }

    def begin(self):
        self.put("r0", Tar().end())
        self.keel.start()
        first = self.deploy("r0")
        check(first.returncode == 0, "a good archive of the same make is deployed")
        self.known_facts = self.facts()
        self.known_processes = descendants()

    def refused(self, number, what, archive, says, digest=None):
        release = f"evil-{number}"
        self.put(release, archive, digest)
        began = time.monotonic()
        done = self.deploy(release)
        took = time.monotonic() - began
        (self.deployed.archives / f"app-{release}.tar").unlink()
        told = done.stderr.split("\n")[0]
        print(f"  {what:39} {took:4.1f} s  {shortened(told)}", flush=True)
        if done.returncode != REFUSED:
            raise Failed(f"{what}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        if not (told.startswith(PREFIX) and says in told and
                told.endswith(SUFFIX) and told.isprintable()):
            raise Failed(f"{what}: not told of {says!r} and r0, or not printably: {told!r}")
        self.unchanged(what)

    def unchanged(self, what):
        until(f"{what}: no process more than before, and none less",
              lambda: descendants() == self.known_processes)  # a helper may be about to end
        facts = self.facts()
        wrong = [f"{key}: {self.known_facts[key]} -> {facts[key]}"
                 for key in facts if facts[key] != self.known_facts[key]]
        if wrong:
            raise Failed("\n  ".join([f"{what} has changed", *wrong]))

    def all(self):
        outside = self.neighbours[1].folder
        for number, (what, (make, says)) in enumerate(ARCHIVES.items()):
            archive = make(outside)
            if what.endswith("in 1 MiB"):
                check(len(archive) < 1.1 * MIB, f"{len(archive)} bytes for 1 GiB")
            self.refused(number, what, archive, says)
        good = Tar().end()
        self.refused("sum", "a wrong checksum", good, "SHA-256", digest="0" * 64)
        check(len(ARCHIVES) + 1 >= 20, f"{len(ARCHIVES) + 1} archives are refused, and nothing "
              "that was there has changed")


def main():
    options = read_options(__doc__)
    with Keel(options.bin) as keel:
        refusals = Refusals(keel)
        refusals.begin()
        refusals.all()
        refusals.put("evil-0", Tar().end())
        check(refusals.deploy("evil-0").returncode == 0 and
              refusals.deployed.running() == "evil-0",
              "the name of a refused release is free for a good one")


if __name__ == "__main__":
    run_as_test(main)
