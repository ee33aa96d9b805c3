"""Chromium without a window, as peers.sh unpacked it, driven by the DevTools
protocol over a pipe: JSON, each message ended by NUL, no port and no package.

Everything is bounded: an answer that does not come in time is a TimeoutError,
and stop() ends the browser by its process id, with all that it has started.
"""
import base64
import glob
import json
import os
import select
import signal
import subprocess
import time

from kit.peers import library_folders, unpacked
from kit.process import wait_until

ANSWER = 30		# seconds
# Nothing but loopback is to be found, and nothing is asked behind our back.
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--no-first-run", "--disable-extensions", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-pipe",
]


class PageError(Exception):
    """An expression that failed in the page."""


class Browser:
    def __init__(self, work):
        tree = unpacked("chromium", work, as_us=True)
        profile = os.path.join(work, "browser")
        os.makedirs(profile, exist_ok=True)
        to_browser, self.write_end = os.pipe()
        self.read_end, from_browser = os.pipe()
        # The browser reads descriptor 3 and writes 4; the pipes may have
        # these numbers the other way round.
        ours = (os.dup(to_browser), os.dup(from_browser))
        high = [os.dup2(fd, 100 + i) for i, fd in enumerate(ours)]

        def connect():
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i)

        env = {key: value for key, value in os.environ.items()
               if key != "DBUS_SESSION_BUS_ADDRESS"}
        env.update(HOME=profile, LD_LIBRARY_PATH=library_folders(
            tree, *[os.path.relpath(p, tree) for p in glob.glob(
                os.path.join(tree, "usr/lib/*/pulseaudio"))]))
        self.log = os.path.join(work, "browser.log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(tree,
                              "usr/lib/chromium/chromium-headless-shell"),
                 *FLAGS, "--user-data-dir=" + profile, "about:blank"],
                env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                close_fds=False, preexec_fn=connect, start_new_session=True)
        for fd in (to_browser, from_browser, *ours, *high):
            os.close(fd)
        self.buffer, self.number, self.events = b"", 0, []

    def stop(self):
        if self.process.poll() is None:
            # A session of its own: its children are in its group.
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        os.close(self.write_end)
        os.close(self.read_end)

    def receive(self, deadline):
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.read_end], [], [],
                                              left)[0]:
                raise TimeoutError("the browser does not answer")
            data = os.read(self.read_end, 1 << 20)
            if not data:
                with open(self.log, errors="replace") as f:
                    raise RuntimeError("the browser has ended:\n" +
                                       f.read()[-2000:])
            self.buffer += data
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def call(self, method, session=None, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + ANSWER
        while True:
            answer = self.receive(deadline)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise PageError("%s: %s" % (method, answer["error"]))
                return answer["result"]
            if "method" in answer:
                self.events.append(answer)

    def drain(self):
        """Events that have come meanwhile."""
        while b"\0" in self.buffer or select.select(
                [self.read_end], [], [], 0)[0]:
            message = self.receive(time.monotonic() + 1)
            if "method" in message:
                self.events.append(message)

    def page(self, url=None, **look):
        page = Page(self)
        page.look(**look)
        if url:
            page.go(url)
        return page


class Page:
    """One tab. `evaluate` gives the value of an expression (a promise's, once
    it is there)."""

    KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowRight": 39,
            "ArrowLeft": 37, "ArrowDown": 40, "End": 35}

    def __init__(self, browser):
        self.browser = browser
        self.target = browser.call("Target.createTarget",
                                   url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", flatten=True,
                                    targetId=self.target)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.call(domain + ".enable")

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def look(self, width=1280, height=900, dark=False, mobile=False,
             still=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width,
                  height=height, deviceScaleFactor=1, mobile=mobile)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme",
             "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion",
             "value": "reduce" if still else "no-preference"}])

    def go(self, url):
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && "
                   "location.href !== 'about:blank'")

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression,
                           returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise PageError("%s: %s" % (
                expression, answer["exceptionDetails"].get(
                    "exception", {}).get("description")))
        return answer["result"].get("value")

    def until(self, expression, seconds=60):
        """The value of the expression, once it is true."""
        def ask():
            try:
                return self.evaluate(expression)
            except PageError:
                return None		# between two documents
        return wait_until(ask, seconds, expression)

    def text(self, selector):
        return self.evaluate("document.querySelector(%s)?.innerText" %
                             json.dumps(selector))

    def key(self, key, shift=False):
        code = self.KEYS.get(key, 0)
        for kind in ("keyDown", "keyUp"):
            extra = {"text": "\r"} if key == "Enter" and \
                kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                      windowsVirtualKeyCode=code, modifiers=8 * shift, **extra)

    def write(self, text):
        self.call("Input.insertText", text=text)

    def click(self, selector):
        """With the pointer, where it is."""
        x, y = self.evaluate(
            "(() => { const e = document.querySelector(%s); "
            "e.scrollIntoView({block: 'center', behavior: 'instant'}); "
            "const r = e.getBoundingClientRect(); "
            "return [r.x + r.width / 2, r.y + r.height / 2]; })()" %
            json.dumps(selector))
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y,
                      button="left", clickCount=1)

    def tree(self):
        """What a screen reader has: [(role, name)], what it skips left
        out."""
        return [(node["role"]["value"], node.get("name", {}).get("value", ""))
                for node in self.call("Accessibility.getFullAXTree")["nodes"]
                if not node.get("ignored")]

    def shot(self, path, whole=True):
        """A PNG: for eyes."""
        data = self.call("Page.captureScreenshot", format="png",
                         captureBeyondViewport=whole)["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))

    def events(self, method):
        self.browser.drain()
        return [event["params"] for event in self.browser.events
                if event["method"] == method and
                event.get("sessionId") == self.session]

    def complaints(self):
        """What the browser has against the page: errors, exceptions,
        violations of its policy, warnings."""
        return [entry["entry"]["text"] + " " + entry["entry"].get("url", "")
                for entry in self.events("Log.entryAdded")] + [
            str(e["exceptionDetails"]) for e in self.events(
                "Runtime.exceptionThrown")] + [
            str(call["args"]) for call in self.events(
                "Runtime.consoleAPICalled")]

    def asked(self):
        """The addresses that it asked for."""
        return [event["request"]["url"]
                for event in self.events("Network.requestWillBeSent")]
