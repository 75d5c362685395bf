#!/usr/bin/python3
"""The dashboard with 200 units, ten of them flapping: how long after an event the page shows it,
and whether anything on it moves.

    dashboard.py --bin build/release/bin [--restarts 300] [--within 200]

Time runs from an event's own time stamp to the frame of the browser that shows what it changed.
Layout shifts are the browser's own (PerformanceObserver). Fails beyond `--within` milliseconds or
with any shift. Screenshots, 1280 and 390 wide, light and dark, go to build/PRESET/screenshots.
"""
import argparse
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from browser import Browser, program  # noqa: E402
from harness import Failed, Keel, until  # noqa: E402

UNITS, FLAPPING = 200, 10
SIZES = ((1280, 800), (390, 844))

# Each change of a line's count of restarts, and the time of the frame that shows it.
WATCH = """window.seen = [];
for (const row of document.querySelectorAll('#units tr')) {
  const cell = row.querySelector('.c-restarts');
  new MutationObserver(() => {
    const unit = row.querySelector('button').innerText, count = Number(cell.textContent);
    requestAnimationFrame(() => seen.push([unit, count, Date.now()]));
  }).observe(cell, { childList: true, characterData: true, subtree: true });
}"""

# Restarts by unit and number, from the events themselves.
DELAYS = """fetch('/v1/events?follow=0&limit=10000').then((answer) => answer.json()).then(
  ({ events }) => {
    const at = new Map();
    for (const event of events)
      if (/^(ready|backoff) -> starting/.test(event.text)) {
        const list = at.get(event.unit) ?? [];
        list.push(Date.parse(event.at));
        at.set(event.unit, list);
      }
    return seen.map(([unit, count, shown]) => shown - at.get(unit)?.[count - 1]);
  })"""


def write_units(keel):
    for number in range(UNITS - FLAPPING):
        keel.write_unit(f"game-{number:03}", f'description = "Game host {number}"\n'
                        'command = ["/usr/bin/tail", "-f", "/dev/null"]\n')
    for number in range(FLAPPING):
        # Not in step with each other; they never climb, so the ring of events is theirs alone.
        keel.write_unit(f"flapping-{number}", f"""
description = "Lives for a moment"
command = ["/usr/bin/sleep", "{0.9 + number * 0.07:.2f}"]
[restart]
delay = "100ms"
delay_max = "100ms"
[escalation]
failures = 0
""")


def open_dashboard(keel, browser, width, height, scheme):
    page = browser.page(width=width, height=height, scheme=scheme)
    page.go(keel.run("web").stdout.strip())
    page.until("document.body.dataset.link === 'live'", "a live connection")
    page.until(f"document.querySelectorAll('#units tr').length === {UNITS}", "all units")
    page.until("document.querySelector('#verdict').innerText !== 'Looking …'")
    return page


def shifts_since(page, since):
    return sum(shift["value"] for shift in page.run(f"shifts.filter((s) => s.at > {since})"))


def measure(keel, browser, width, height, restarts):
    page = open_dashboard(keel, browser, width, height, "light")
    settled = page.run("performance.now()")
    page.run(WATCH)
    until(f"{restarts} restarts are seen", lambda: page.run("seen.length") >= restarts, 300)
    delays = sorted(delay for delay in page.run(DELAYS) if delay is not None)
    if len(delays) < restarts * 0.9:
        raise Failed(f"only {len(delays)} of {restarts} restarts were found among the events")
    moved = shifts_since(page, settled)
    p99 = delays[min(len(delays) - 1, round(len(delays) * 0.99))]
    print(f"{width:>5} wide: {len(delays)} restarts shown after {statistics.median(delays):.0f} ms "
          f"(median), {p99:.0f} ms (p99), {delays[-1]:.0f} ms (longest); layout shift {moved}",
          flush=True)
    if page.complaints:
        raise Failed(f"the browser complains: {page.complaints}")
    return delays[-1], moved


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=Path, required=True, help="where keeld and keel are")
    parser.add_argument("--restarts", type=int, default=300, help="to be seen at each size")
    parser.add_argument("--within", type=float, default=200, help="milliseconds")
    options = parser.parse_args()
    if program() is None:
        print("there is no chromium here: apt-get install chromium-headless-shell")
        return 77
    shots = options.bin.resolve().parent / "screenshots"
    with Keel(options.bin) as keel, Browser() as browser:
        write_units(keel)
        (keel.root / "etc/keel/keel.toml").write_text("[storm]\nstarts_per_second = 0\n")
        keel.start()
        keel.wait(*(f"game-{number:03}" for number in range(UNITS - FLAPPING)), patience=60)
        found = [measure(keel, browser, *size, options.restarts) for size in SIZES]
        for width, height in SIZES:
            for scheme in ("light", "dark"):
                page = open_dashboard(keel, browser, width, height, scheme)
                page.screenshot(shots / f"bench-{width}-{scheme}.png")
        print(f"screenshots: {shots}/bench-*.png")
    if any(moved != 0 for _, moved in found):
        raise Failed("the layout moved")
    if any(longest > options.within for longest, _ in found):
        raise Failed(f"the page was later than {options.within:.0f} ms")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failure:
        sys.exit(f"dashboard: {failure}")
