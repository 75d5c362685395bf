#!/usr/bin/python3
"""How long a chain of dependencies takes to be up, and many units that depend on nothing.

    start_order.py --bin build/release/bin [--chain 10] [--parallel 100] [--after 100] [--rounds 5]

Every service answers HTTP --after milliseconds (100) after its start, and is ready by a probe of
that. In the chain each requires the one before it, so the services alone take --chain times as
long. The parallel ones are started with one that never becomes ready, and must not wait for it.
Times are from `keel start` to its answer, which is when the last one is ready; printed, not judged:
what fails is a unit that does not get ready, or one that waits for what it does not depend on.
"""
import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from harness import Failed, Keel, free_ports  # noqa: E402

SERVICE = """command = ["{puppet}", "after", "{after}", "serve", "{{port}}"]
port_base = {port}
enabled = false
requires = {requires}
[[probe]]
http = "http://127.0.0.1:{{port}}/"
"""


def write_service(keel, name, port, after, requires=()):
    keel.write_unit(name, SERVICE.format(puppet=keel.bin / "puppet", after=after, port=port,
                                         requires=list(requires)).replace("'", '"'))


def timed(keel, *units, beside=None):
    """Milliseconds until all are ready; then they are stopped. `beside` is started by the same
    command, as the first one, and not waited for."""
    began = time.monotonic()
    if beside:
        asked = subprocess.Popen([keel.bin / "keel", "--root", keel.root, "start", beside, *units],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            keel.wait(*units)
            took = time.monotonic() - began
            if keel.status()[beside]["ready"] or asked.poll() is not None:
                raise Failed(f"{beside} was to be on its way still")
            keel.run("cancel", str(keel.status()[beside]["operation"]["id"]))
        except Failed:
            asked.kill()  # or it waits for as long as the unit does
            raise
        finally:
            asked.wait()
    else:
        keel.run("start", *units)
        took = time.monotonic() - began
    keel.run("stop", *[name for name, unit in keel.status().items() if unit["wanted"] == "up"])
    return took * 1000


def tell(what, took, alone):
    print(f"{what}: median {statistics.median(took):.0f} ms, worst {max(took):.0f} ms of "
          f"{len(took)}; the services alone {alone} ms", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=Path)
    parser.add_argument("--chain", type=int, default=10)
    parser.add_argument("--parallel", type=int, default=100)
    parser.add_argument("--after", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    wanted = parser.parse_args()
    ports = free_ports(wanted.chain + wanted.parallel + 1)
    links = [f"link-{n}" for n in range(wanted.chain)]
    free = [f"free-{n}" for n in range(wanted.parallel)]
    with Keel(wanted.bin, prefix="keel-order-") as keel:
        for before, name, port in zip([None, *links], links, ports):
            write_service(keel, name, port, wanted.after, [before] if before else [])
        for name, port in zip(free, ports[wanted.chain:]):
            write_service(keel, name, port, wanted.after)
        write_service(keel, "slow", ports[-1], 3_600_000)
        keel.start()
        tell(f"a chain of {wanted.chain}", [timed(keel, links[-1]) for _ in range(wanted.rounds)],
             wanted.chain * wanted.after)
        tell(f"{wanted.parallel} beside one that never gets ready",
             [timed(keel, *free, beside="slow") for _ in range(wanted.rounds)], wanted.after)


if __name__ == "__main__":
    main()
