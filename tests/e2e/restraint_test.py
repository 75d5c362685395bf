#!/usr/bin/python3
"""All instances of a unit fail their liveness probe at once: half of it is replaced, the other
half goes on serving, and Keel says what holds it back. Once the probe passes again, what was not
replaced is still the process that it was.
"""

from harness import Failed, Keel, read_options, run_as_test, until

UNIT = """
command = "sleep 1000"
instances = 4
min_ready = 2
[[probe]]
name = "alive"
exec = ["test", "!", "-e", "{root}/sick"]
role = ["liveness"]
interval = "100ms"
failures = 2
[[probe]]
name = "begun"
exec = ["test", "-e", "{root}/gate"]
role = ["startup"]
"""
HELD_BACK = 'keel_liveness_restraints_total{unit="crew",reason="others"}'


def held_back(keel):
    return keel.metrics()[HELD_BACK]


def is_half_replaced(keel):
    crew = keel.status()["crew"]
    if crew["ready"] < 2:
        raise Failed(f"only {crew['ready']} of 4 instances serve")
    return crew["ready"] == 2 and held_back(keel) >= 2


def replace_half(keel):
    sick, gate = keel.root / "sick", keel.root / "gate"
    gate.touch()
    keel.write_unit("crew", UNIT.format(root=keel.root))
    keel.start()
    keel.wait("crew", patience=20)
    until("all four serve", lambda: keel.status()["crew"]["ready"] == 4)
    before = keel.pids()
    gate.unlink()  # who is replaced stays away
    sick.touch()
    until("half of the unit is replaced and the other half is held back",
          lambda: is_half_replaced(keel))
    why = keel.run("why", "crew", check=False).stdout
    if "2 of its 4 instances are being replaced for their liveness" not in why:
        raise Failed(f"`keel why` does not say what holds it back:\n{why}")
    sick.unlink()
    gate.touch()
    until("all four serve again", lambda: keel.status()["crew"]["ready"] == 4)
    after = keel.pids()
    kept = [name for name in before if before[name] == after[name]]
    if len(kept) != 2:
        raise Failed(f"{len(kept)} of the four are the processes that they were: {kept}")
    if keel.status()["crew"]["outage"]:
        raise Failed("an outage is open, and two of four were always ready")
    print("  ok  two were replaced, two went on serving")


def main():
    with Keel(read_options().bin, "keel-restraint-") as keel:
        replace_half(keel)


if __name__ == "__main__":
    run_as_test(main)
