"""Deployments by a real keeld, whose engine, or all of it, is killed right after each record of
each course that a deployment can take: afterwards the new release or the former one runs, complete,
and nothing is in between.

    deploy_test.py --bin build/dev/bin [--stride N]

`--stride 1` is every record; a larger one leaves some out. Prints how many there were.
"""
import os
import tarfile
import threading

from deploying import Deployed
from harness import Failed, Keel, check, read_options, run_as_test, until

RECORDS_MAX = 30


class Course:
    """A course of a deployment: what is planted, and whether the release comes to stay."""

    def __init__(self, name, stays=False, program="", migration="", spoil=None):
        self.name, self.stays = name, stays
        self.program, self.migration, self.spoil = program, migration, spoil


def hostile(deployed, release):
    """An archive that reaches out of its folder."""
    with tarfile.open(deployed.archives / f"app-{release}.tar", "a") as archive:
        deployed.add(archive, "../../escaped", b"no")


def truncated(deployed, release):
    path = deployed.archives / f"app-{release}.tar"
    path.write_bytes(path.read_bytes()[:700])


COURSES = [
    Course("all goes well", stays=True),
    Course("the archive is missing for a while", stays=True,
           spoil=lambda d, r: (d.archives / f"app-{r}.tar").rename(d.archives / f"late-{r}")),
    Course("the archive is cut short", spoil=truncated),
    Course("the archive is hostile", spoil=hostile),
    Course("the migration fails", migration="exit 9"),
    Course("the release crashes at once", program="exit 3"),
    Course("the release crashes on trial", program="sleep 0.1; exit 3"),
]


class Deaths:
    def __init__(self, keel):
        self.keel = keel
        self.order = keel.root / "end-after-record"
        os.environ["KEEL_END_AFTER_RECORD"] = str(self.order)
        self.deployed = Deployed(keel)
        self.count = 0
        self.current = "r0"

    def begin(self):
        self.deployed.pack("r0")
        self.keel.start()
        answer = self.deployed.deploy("r0")
        check(answer and answer["outcome"] == "done", f"the first release: {answer['text']}")

    def one(self, course, record, who):
        """A deployment in whose course `who` is killed after that record; False: there are fewer
        records."""
        self.count += 1
        release = f"r{self.count}"
        self.deployed.pack(release, course.program, course.migration)
        if course.spoil:
            course.spoil(self.deployed, release)
        # Records are counted by engine, from when the order is there.
        self.keel.kill_engine()
        self.deployed.settles()
        until("nothing is about to be removed", self.deployed.is_tidy)
        self.order.write_text(f"{record} {who}")
        bringer = threading.Thread(target=self.bring_late, args=(release,))
        bringer.start()
        answer = self.deployed.deploy(release)
        bringer.join()
        until("the order is carried out, or there is nothing more to record", self.is_over)
        died = not self.order.exists()
        self.order.unlink(missing_ok=True)
        if died and who == "keeper":
            self.keel.keeld.wait()
            self.keel.start()
        now = self.deployed.judge(self.current, release)
        if course.stays and now != release:
            raise Failed(f"{release} did not come to stay: {answer}")
        if not course.stays and now == release:
            raise Failed(f"{release} came to stay: {answer}")
        self.current = now
        return died

    def is_over(self):
        """The removal of a release that is not needed any more is the last to be recorded."""
        if not self.order.exists():
            return True
        try:
            return bool(self.deployed.settles()) and self.deployed.is_tidy()
        except Failed:
            return False

    def bring_late(self, release):
        """The archive that is missing comes once keeld waits for it, or is gone."""
        late = self.deployed.archives / f"late-{release}"
        if not late.exists():
            return

        def is_missed():
            try:
                deployment = self.deployed.unit()["deployment"]
            except Failed:
                return True
            return deployment and deployment["step"] == "waiting for the source"
        until("keeld waits for the archive", is_missed)
        late.rename(self.deployed.archives / f"app-{release}.tar")

    def run(self, stride):
        cases = 0
        for course in COURSES:
            for who in ("engine", "keeper"):
                record, died = 1, True
                while died and record < RECORDS_MAX:
                    try:
                        died = self.one(course, record, who)
                    except Failed as failure:
                        raise Failed(f"{course.name}, {who} killed after record {record}: "
                                     f"{failure}") from failure
                    cases += died
                    record += stride
            print(f"  ok  {course.name}: {cases} kills so far", flush=True)
        check(cases > len(COURSES), f"{cases} kills, each after one record of one course")


def main():
    options = read_options(__doc__, stride=1)
    with Keel(options.bin) as keel:
        deaths = Deaths(keel)
        deaths.begin()
        deaths.run(options.stride)


if __name__ == "__main__":
    run_as_test(main)
