"""A headless Chromium, driven over its debugging pipe: no port, no driver, no package of Python's.

    with Browser() as browser:
        page = browser.page(width=390, height=844, scheme="dark")
        page.go("http://127.0.0.1:9632/status")
        page.until("document.title === 'Keel'")
        page.screenshot("build/screenshots/status.png")
        assert page.complaints == []

A page gathers its own complaints: exceptions, console errors, refusals of the content policy, and
loads that failed.
"""
import base64
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from harness import PATIENCE, Failed

PROGRAMS = ("chromium-headless-shell", "chromium")
# Runs as root in tests, where Chromium has no sandbox; it sees nothing but our own pages.
FLAGS = ["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-extensions",
         "--disable-background-networking", "--disable-component-update", "--no-first-run",
         "--disable-dev-shm-usage", "--force-color-profile=srgb", "--remote-debugging-pipe"]


def program():
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def out_of_the_way(descriptor):
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved


class Browser:
    def __enter__(self):
        self.profile = tempfile.mkdtemp(prefix="keel-browser-", dir="/tmp")
        # Chromium reads commands from descriptor 3 and writes to 4: our ends are out of the way.
        theirs_in, self.to = map(out_of_the_way, os.pipe())
        self.back, theirs_out = map(out_of_the_way, os.pipe())
        command = f"exec 3<&{theirs_in} 4>&{theirs_out} {theirs_in}<&- {theirs_out}>&-; exec \"$@\""
        self.process = subprocess.Popen(
            ["/bin/bash", "-c", command, "browser", program(), "--headless",
             f"--user-data-dir={self.profile}", *FLAGS],
            pass_fds=(theirs_in, theirs_out), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(theirs_in)
        os.close(theirs_out)
        self.buffer, self.last, self.answers, self.pages = b"", 0, {}, {}
        return self

    def __exit__(self, *_):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.to)
        os.close(self.back)
        shutil.rmtree(self.profile, ignore_errors=True)

    # ---- the protocol: JSON documents with a zero byte behind each -----------------------------

    def ask(self, method, session=None, **parameters):
        self.last += 1
        number = self.last
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        deadline = time.monotonic() + PATIENCE
        while number not in self.answers:
            self.read(deadline, method)
        answer = self.answers.pop(number)
        if "error" in answer:
            raise Failed(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def read(self, deadline, what):
        """Takes what has come; waits until something has."""
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.back], [], [], left)[0]:
            raise Failed(f"the browser says nothing about {what}")
        data = os.read(self.back, 1 << 16)
        if not data:
            raise Failed(f"the browser has ended ({what})")
        *documents, self.buffer = (self.buffer + data).split(b"\0")
        for document in map(json.loads, documents):
            if "id" in document:
                self.answers[document["id"]] = document
            elif page := self.pages.get(document.get("sessionId")):
                page.hear(document["method"], document["params"])

    def page(self, width=1280, height=800, scheme="light"):
        context = self.ask("Target.createBrowserContext")["browserContextId"]
        target = self.ask("Target.createTarget", url="about:blank", browserContextId=context)
        session = self.ask("Target.attachToTarget", targetId=target["targetId"],
                           flatten=True)["sessionId"]
        page = self.pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.ask(f"{domain}.enable")
        page.resize(width, height)
        page.ask("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": scheme}])
        # Shifts of the layout, and what the content policy refused, are told to the page itself.
        page.ask("Page.addScriptToEvaluateOnNewDocument", source="""
            window.shifts = [];
            new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map(
              (entry) => ({ value: entry.value, at: entry.startTime,
                nodes: entry.sources.map((s) => s.node?.outerHTML?.slice(0, 120)) }))))
              .observe({ type: "layout-shift", buffered: true });""")
        return page


class Page:
    def __init__(self, browser, session):
        self.browser, self.session = browser, session
        self.complaints, self.loads, self.width = [], 0, None

    def ask(self, method, **parameters):
        return self.browser.ask(method, self.session, **parameters)

    def hear(self, method, params):
        if method == "Page.loadEventFired":
            self.loads += 1
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description")
                                   or details["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.complaints.append(str([arg.get("value") for arg in params["args"]]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            entry = params["entry"]
            self.complaints.append(f"{entry['text']} {entry.get('url', '')}")

    def resize(self, width, height):
        self.width = width
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=2 if width < 500 else 1, mobile=width < 500)

    def go(self, url):
        self.loads = 0
        self.ask("Page.navigate", url=url)
        deadline = time.monotonic() + PATIENCE
        while not self.loads:
            self.browser.read(deadline, url)

    def run(self, script):
        """The value of an expression."""
        result = self.ask("Runtime.evaluate", expression=script, returnByValue=True,
                          awaitPromise=True)
        if "exceptionDetails" in result:
            raise Failed(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def until(self, condition, what=None):
        """Waits until the expression is true, looking whenever the page draws, and returns it."""
        script = f"""new Promise((done) => {{
            const look = () => {{
                let value;
                try {{ value = {condition}; }} catch {{ value = null; }}
                value ? done(value instanceof Node || value) : setTimeout(look, 10);
            }};
            setTimeout(() => done(null), {PATIENCE * 900});
            look();
        }})"""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                value = self.run(script)
            except Failed as failure:  # the page went on to another one meanwhile
                if "navigated" not in str(failure) and "context" not in str(failure):
                    raise
                value = None
            if value:
                return value
            if time.monotonic() > deadline:
                shown = self.run("document.body.innerText")
                raise Failed(f"not seen on the page: {what or condition}\n{shown[:3000]}")

    def press(self, key, code=None, text=None):
        codes = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "End": 35, "Home": 36,
                 "Tab": 9}
        event = {"key": key, "code": code or key}
        if key in codes:
            event["windowsVirtualKeyCode"] = codes[key]
        text = "\r" if key == "Enter" else text
        self.ask("Input.dispatchKeyEvent", type="keyDown", **event,
                 **({"text": text} if text else {}))
        self.ask("Input.dispatchKeyEvent", type="keyUp", **event)

    def type(self, text):
        self.ask("Input.insertText", text=text)

    def screenshot(self, path):
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        shot = self.ask("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))
