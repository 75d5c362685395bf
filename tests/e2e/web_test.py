#!/usr/bin/python3
"""The pages in a real browser: the dashboard, the way into it, the public status page.

    web_test.py --bin build/dev/bin

Screenshots go to build/PRESET/screenshots, for people to look at.
"""
import os
import signal
import statistics
import sys
import tarfile
import threading

from browser import Browser, program
from deploying import UNIT, Deployed
from harness import Keel, check, read_options, run_as_test, until

IDLE = '["/usr/bin/tail", "-f", "/dev/null"]'
MANY = 200
FLAPPING = 10
SHIFT_MAX = 0.0  # of the layout, in all; what is written takes the place of what stood there

GATED = f"""
description = "Message backbone between the panel and the game hosts"
command = {IDLE}
[[probe]]
name = "gate"
exec = ["/usr/bin/test", "-e", "%s"]
interval = "500ms"
[outage]
public = true
title = "Game servers"
"""


class World:
    """A keeld with a unit that is ready exactly while a file is there, one that writes what it is
    told to, and one that needs the first."""

    def __init__(self, keel, browser, shots):
        self.keel, self.browser, self.shots = keel, browser, shots
        self.gate = keel.root / "gate"
        self.mouth = keel.root / "mouth"

    def start(self):
        self.gate.touch()
        os.mkfifo(self.mouth)
        self.keel.write_unit("backbone", GATED % self.gate)
        self.keel.write_unit("talker", f"""
description = "Writes what it is told to"
command = ["/bin/sh", "-c", "exec cat 0<>{self.mouth}"]
""")
        self.keel.write_unit("panel", f"""
description = "HTTP API of the panel"
command = {IDLE}
requires = ["backbone"]
[outage]
public = true
title = "Control panel"
""")
        self.keel.write_unit("worker", f"command = {IDLE}\ninstances = 3\nmin_ready = 2\n")
        self.keel.start()
        self.keel.wait("backbone", "talker", "panel", "worker")

    def link(self):
        return self.keel.run("web").stdout.strip()

    def dashboard(self, **look):
        page = self.browser.page(**look)
        page.go(self.link())
        page.until("document.body.dataset.link === 'live'", "a live connection")
        units = len(list(self.keel.units.iterdir()))
        page.until(f"document.querySelectorAll('#units tr').length === {units}", "the units")
        page.run("window.marker = 'not loaded again'")
        return page

    def url(self, path):
        return f"http://127.0.0.1:{self.keel.http}{path}"

    def shoot(self, page, name):
        page.screenshot(self.shots / f"{name}.png")

    def break_backbone(self):
        """Kills it, and it does not become ready again before mend_backbone()."""
        self.gate.unlink()
        os.kill(self.keel.pids()["backbone"], signal.SIGKILL)

    def mend_backbone(self):
        self.gate.touch()


ROW = ("[...document.querySelectorAll('#units tr')]"
       ".find((row) => row.querySelector('button').innerText === '%s')")


def status_in_row(name, status):
    return f"({ROW % name}).querySelector('.c-status').innerText === '{status}'"


def is_not_wider(page):
    # Not innerWidth: on a phone that grows with a page that is too wide.
    wide = page.run("document.documentElement.scrollWidth")
    check(wide <= page.width, f"the page is {wide} wide on a screen of {page.width}")


def drawn(page):
    """The page's time, once all that it knows is drawn: a shift is told of with the frame."""
    return page.run("""new Promise((done) => requestAnimationFrame(() =>
        requestAnimationFrame(() => done(performance.now()))))""")


def nothing_moved(page, since=0):
    shifts = page.run(f"shifts.filter((shift) => shift.at > {since})")
    check(sum(shift["value"] for shift in shifts) <= SHIFT_MAX, f"the layout moved: {shifts}")


def no_complaints(page):
    check(not page.complaints, f"the browser complains: {page.complaints}")
    check(page.run("window.marker") == "not loaded again", "the page was loaded again")


# ---- tests ---------------------------------------------------------------------------------------

def test_a_link_opens_once(world):
    link = world.link()
    page = world.browser.page()
    page.go(link)
    page.until("document.body.dataset.link === 'live'")
    check("keel-" not in page.run("document.cookie"), "scripts can read the cookie")
    check(page.run("location.href") == world.url("/"), "the link's code stays in the address")
    for address in (link, world.url("/")):
        stranger = world.browser.page()
        stranger.go(address)
        stranger.until("document.body.innerText.includes('A pass is needed')")
    world.shoot(stranger, "pass")
    no_secrets = world.keel.log.read_text()
    check(link.rsplit("/", 1)[1] not in no_secrets, "the link's code is in the log")


def test_a_killed_unit_goes_down_and_up(world):
    """Without loading the page again, without anything moving, in light and dark."""
    pages = {scheme: world.dashboard(scheme=scheme) for scheme in ("light", "dark")}
    for scheme, page in pages.items():
        page.until("document.querySelector('#verdict').innerText.startsWith('Everything')")
        world.shoot(page, f"all-well-{scheme}")
    settled = {scheme: page.run("performance.now()") for scheme, page in pages.items()}
    world.break_backbone()
    for scheme, page in pages.items():
        page.until("document.querySelector('#verdict').innerText.includes('backbone is')")
        page.until("document.body.dataset.tone !== 'calm'")
        page.until("document.title.includes('Keel')")
        page.until("document.querySelector('#verdict-more').innerText.includes('must be ready')",
                   "what comes next, and when")
        page.until("document.querySelector('#events').innerText.includes('SIGKILL')")
        world.shoot(page, f"backbone-down-{scheme}")
    world.mend_backbone()
    for page in pages.values():
        page.until("document.querySelector('#verdict').innerText.includes('not yet for good')",
                   "that it may go down again")
        page.until("document.querySelector('#troubles').innerText.includes('up again') || "
                   "document.querySelector('#verdict').innerText.includes('backbone is up again')")
    for scheme, page in pages.items():
        page.until(status_in_row("backbone", "up"))
        page.until("document.querySelector('#verdict').innerText.startsWith('Everything')")
        page.until(f"({ROW % 'backbone'}).querySelector('.day .outage')", "its outage on its line")
        check(page.run(f"{{ const bar = ({ROW % 'backbone'}).querySelector('.day .outage'); "
                       "bar.x.baseVal.value + bar.width.baseVal.value <= 1440.1 }"),
              "the outage is drawn beyond the end of its line")
        nothing_moved(page, settled[scheme])
        no_complaints(page)


def test_fits_a_phone(world):
    for scheme in ("light", "dark"):
        page = world.dashboard(width=390, height=844, scheme=scheme)
        is_not_wider(page)
        world.shoot(page, f"phone-{scheme}")
        page.run(f"({ROW % 'backbone'}).querySelector('button').click()")
        page.until("!document.querySelector('#detail').hidden")
        page.until("document.querySelector('#detail-now').innerText.length > 20")
        is_not_wider(page)
        world.shoot(page, f"phone-detail-{scheme}")
        no_complaints(page)


def test_keys_suffice(world):
    page = world.dashboard()
    page.press("/", text="/")
    page.until("document.activeElement.id === 'filter'")
    page.type("talk")
    page.until("[...document.querySelectorAll('#units tr')].filter((r) => !r.hidden).length === 1")
    page.run("document.querySelector('#filter').select()")
    page.press("Backspace")
    page.ask("Input.insertText", text="")
    page.run("document.querySelector('#filter').value = ''; "
             "document.querySelector('#filter').dispatchEvent(new Event('input'))")
    page.press("Tab")  # to the box beside it
    page.until("document.activeElement.id === 'only'")
    page.press("Tab")  # into the table: one stop for all of its lines
    page.until("document.activeElement.closest('#units tr')")
    page.press("Home")
    page.press("ArrowDown")
    page.until("document.activeElement.innerText === 'panel'")
    page.press("End")
    page.until("document.activeElement.innerText === 'worker'")
    page.press("ArrowUp")
    page.press("Enter")
    page.until("document.querySelector('#detail-name').innerText === 'talker'")
    page.until("document.activeElement.id === 'detail-close'")
    page.press("Escape")
    page.until("document.querySelector('#detail').hidden")
    page.until("document.activeElement.innerText === 'talker'", "the focus where it was")
    no_complaints(page)


def test_the_log_is_followed(world):
    page = world.dashboard()
    page.run(f"({ROW % 'talker'}).click()")
    with open(world.mouth, "w", encoding="utf-8") as mouth:
        mouth.write("one <b>line</b> of it\n" * 30)
        mouth.flush()
        page.until("document.querySelector('#log').innerText.includes('one <b>line</b> of it')")
        mouth.write("and another\n")
        mouth.flush()
        page.until("document.querySelector('#log').innerText.includes('and another')")
    page.until("document.querySelector('#detail-instances').innerText.includes('pid')")
    world.shoot(page, "detail")
    no_complaints(page)


def test_a_lost_connection_is_told_and_mended(world):
    """The engine is killed: the same page, the same session, go on with the next one."""
    page = world.dashboard()
    page.run("""window.links = []; new MutationObserver(() =>
        window.links.push(document.body.dataset.link)).observe(document.body,
        { attributeFilter: ["data-link"] })""")
    engine = world.keel.engine_pid()
    os.kill(engine, signal.SIGKILL)
    page.until("window.links.includes('lost')", "that there is no connection")
    page.until("document.body.dataset.link === 'live'", "a connection to the next engine")
    check(page.run("window.marker") == "not loaded again", "the page was loaded again")
    check(page.complaints and all("net::ERR" in text for text in page.complaints),
          f"the browser complains: {page.complaints}")


def test_the_status_page_needs_no_script(world):
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)):
        page = world.browser.page(width=width, height=844, scheme=scheme)
        page.ask("Emulation.setScriptExecutionDisabled", value=True)
        page.go(world.url("/status"))
        text = page.run("document.body.innerText")
        check("All services work" in text and "Game servers" in text, f"the page says:\n{text}")
        check("no data" in page.run("document.body.innerHTML"), "unknown days are not told")
        check("backbone" not in page.run("document.documentElement.innerHTML"), "a name is told")
        check(page.run("document.querySelectorAll('.bar rect').length") == 180, "bars are missing")
        is_not_wider(page)
        world.shoot(page, f"status-{scheme}-{width}")
        check(not page.complaints, f"the browser complains: {page.complaints}")


def test_the_status_page_tells_what_is_down(world):
    world.break_backbone()
    page = world.browser.page()

    def says_so():
        page.go(world.url("/status"))
        return "Down: Game servers" == page.run("document.querySelector('h1').innerText")

    until("the status page tells of it", says_so)
    check("SIGKILL" not in page.run("document.documentElement.innerHTML"), "the cause is told")
    world.shoot(page, "status-down")
    world.mend_backbone()
    world.keel.wait("backbone", "panel")


def test_a_silent_keeld_is_told(world):
    page = world.dashboard()
    world.keel.stop()
    page.until("document.querySelector('#link').innerText.includes('no word since')")
    page.until("document.querySelector('#verdict').innerText.includes('Not known')")
    world.shoot(page, "lost")


def in_row(name, cell, text):
    return f"({ROW % name}).querySelector('{cell}').innerText.includes('{text}')"


def in_detail(part, text):
    return f"document.querySelector('#detail-{part}').innerText.includes('{text}')"


def test_a_deployment_is_seen(keel, browser, shots):
    """While it waits in a step, when it is over, and when it has failed."""
    world = World(keel, browser, shots)
    app = Deployed(keel, good_after="100ms")
    gate = keel.root / "gate"
    os.mkfifo(gate)
    app.pack("1.0")
    app.pack("1.1", migration=f"read -r line < {gate}", ballast=3 << 19)
    app.pack("1.2", program="exit 3")
    app.pack("1.3")
    with tarfile.open(app.archives / "app-1.3.tar", "a") as archive:
        for _ in range(2):
            app.add(archive, "<b>bold</b>", b"")
    keel.write_unit("other", f"command = {IDLE}\n")
    keel.start()
    app.deploy("1.0")
    until("1.0 is good", lambda: app.unit()["release_good"])
    page = world.dashboard()
    page.until(in_row(UNIT, ".release", "1.0"), "the release on the unit's line")
    settled = drawn(page)
    deploying = threading.Thread(target=app.deploy, args=("1.1",))
    deploying.start()
    page.until(in_row(UNIT, ".c-note", "deployment of 1.1: migrate"), "that it is deployed")
    world.shoot(page, "deploying")
    nothing_moved(page, settled)
    page.run(f"({ROW % UNIT}).click()")
    page.until(in_detail("deployment", "unpack done · migrate doing"), "how far it is")
    page.until(in_detail("releases", "1.0: current · good"), "the releases")
    world.shoot(page, "deploying-detail")
    gate.write_text("go\n")
    deploying.join()
    page.until(in_row(UNIT, ".release", "1.1"), "the new release on the unit's line")
    page.until("document.querySelector('#detail-deployment').parentElement.hidden")
    page.until(in_detail("releases", "1.1: current · good · 1.5 MiB"))
    page.until(in_detail("releases", "1.0: good, a rollback leads here"))
    check(app.deploy("1.2")["outcome"] == "failed", "1.2 has failed")
    page.until(in_detail("releases", "1.2: denied: roll: exit 3"), "the one that has failed")
    check(app.deploy("1.3")["outcome"] == "failed", "1.3 has failed")
    page.until("document.querySelector('#events').innerText.includes('<b>bold</b>: comes twice')")
    world.shoot(page, "deployed-detail")
    page.press("Escape")
    page.run(f"({ROW % 'other'}).click()")
    page.until(in_detail("instances", "other: ready"))
    check(page.run("document.querySelector('#detail-releases').parentElement.hidden"),
          "no releases are told of a unit that has none")
    no_complaints(page)
    page.press("Escape")
    page.resize(390, 844)
    page.until("screen.width === 390")
    is_not_wider(page)
    world.shoot(page, "deployed-phone")


def test_many_units(keel, browser, shots):
    """200 units, ten of them killed again and again: nothing moves, and it is seen at once."""
    world = World(keel, browser, shots)
    names = [f"game-{number:03}" for number in range(MANY)]
    for name in names:
        keel.write_unit(name, f'description = "Game host"\ncommand = {IDLE}\n')
    keel.start()
    keel.wait(*names)
    page = world.dashboard()
    page.until(f"document.querySelectorAll('#units tr').length === {MANY}")
    settled = drawn(page)
    page.run("""window.seen = []; for (const row of document.querySelectorAll('#units tr'))
        new MutationObserver(() => seen.push([row.querySelector('button').innerText,
          row.querySelector('.c-restarts').innerText, Date.now()]))
          .observe(row.querySelector('.c-restarts'), { childList: true, subtree: true })""")
    rounds = 5
    for _ in range(rounds):
        before = len(page.run("seen"))
        pids = keel.pids()
        for name in names[:FLAPPING]:
            os.kill(pids[name], signal.SIGKILL)
        page.until(f"seen.length >= {before + FLAPPING}", "ten restarts")
        keel.wait(*names[:FLAPPING])
    world.shoot(page, "many")
    delays = page.run("""fetch('/v1/events?follow=0&limit=2000').then((a) => a.json()).then(
        ({ events }) => seen.map(([unit, count, at]) => at - Date.parse(
          events.filter((e) => e.unit === unit && /^(ready|backoff) -> starting/.test(e.text))
            [count - 1]?.at)))""")
    delays = [delay for delay in delays if delay is not None]
    print(f"    {len(delays)} restarts were on the page after {statistics.median(delays):.0f} ms "
          f"(median), {max(delays):.0f} ms (longest)")
    nothing_moved(page, settled)
    no_complaints(page)
    page.resize(390, 844)
    page.until("screen.width === 390")
    is_not_wider(page)
    world.shoot(page, "many-phone")


def main():
    bin_dir = read_options(__doc__).bin.resolve()
    if program() is None:
        print("there is no chromium here: apt-get install chromium-headless-shell")
        sys.exit(77)
    shots = bin_dir.parent / "screenshots"
    with Keel(bin_dir) as keel, Browser() as browser:
        world = World(keel, browser, shots)
        world.start()
        for test in (test_a_link_opens_once, test_a_killed_unit_goes_down_and_up,
                     test_fits_a_phone, test_keys_suffice, test_the_log_is_followed,
                     test_the_status_page_needs_no_script,
                     test_the_status_page_tells_what_is_down,
                     test_a_lost_connection_is_told_and_mended, test_a_silent_keeld_is_told):
            print(test.__name__, flush=True)
            test(world)
    with Keel(bin_dir) as keel, Browser() as browser:
        print(test_many_units.__name__, flush=True)
        test_many_units(keel, browser, shots)
    with Keel(bin_dir) as keel, Browser() as browser:
        print(test_a_deployment_is_seen.__name__, flush=True)
        test_a_deployment_is_seen(keel, browser, shots)
    print(f"screenshots: {shots}")


if __name__ == "__main__":
    run_as_test(main)
