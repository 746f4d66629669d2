"""A headless Chromium that a test drives, by the DevTools protocol."""

import json
import os
import select
import shutil
import subprocess
import tempfile
import time
import unittest

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_TIMEOUT = 30
# fmt: off
_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
    "--no-first-run", "--disable-background-networking", "--disable-sync",
    "--disable-component-update", "--disable-dev-shm-usage", "--mute-audio",
    "--autoplay-policy=no-user-gesture-required", "--remote-debugging-pipe",
)
# fmt: on
_KEY_CODES = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
_KEY_CODES |= {"Enter": 13, " ": 32, "Home": 36, "End": 35, "PageUp": 33}


class Browser:
    """Opens pages, and keeps what they request and complain about.

    Commands and events go through two pipes, so that nothing is needed but
    the browser.

    Attributes:
        requests: List of the URLs that were requested.
        complaints: List of errors and of messages to the console.

    Raises:
        unittest.SkipTest: If no browser is installed.
    """

    def __init__(self):
        program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
        if program is None:
            raise unittest.SkipTest(f"None of {_PROGRAMS} is installed.")
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        from_us, self._commands = os.pipe()
        self._events, to_us = os.pipe()
        # The browser reads from file 3 and writes to file 4.
        script = f'exec "$@" 3</dev/fd/{from_us} 4>/dev/fd/{to_us}'
        self._process = subprocess.Popen(
            [
                *("sh", "-c", script, "sh"),
                *(program, *_OPTIONS, f"--user-data-dir={self._profile.name}"),
                "about:blank",
            ],
            pass_fds=(from_us, to_us),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(from_us)
        os.close(to_us)
        self._buffer = b""
        self._number = 0
        self._session = None
        self.requests, self.complaints = [], []
        targets = self.send("Target.getTargets")["targetInfos"]
        target = next(t["targetId"] for t in targets if t["type"] == "page")
        self._session = self.send(
            "Target.attachToTarget", targetId=target, flatten=True
        )["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def close(self):
        """Ends the browser."""
        self._process.terminate()
        self._process.wait()
        os.close(self._commands)
        os.close(self._events)
        self._profile.cleanup()

    def open(self, path, width=1200, height=900, dark=False):
        """Opens a file in a window of a size, and waits for its video."""
        self.requests, self.complaints = [], []
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {
            "name": "prefers-color-scheme",
            "value": "dark" if dark else "light",
        }
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.send("Page.navigate", url=path.as_uri())
        self.wait(
            f"location.href === {json.dumps(path.as_uri())}"
            " && document.readyState === 'complete'"
            " && (video.hidden || isReady)"
        )

    def evaluate(self, expression):
        """Returns the value of an expression in the page."""
        result = self.send(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
        )
        if "exceptionDetails" in result:
            raise AssertionError(result["exceptionDetails"])
        return result["result"].get("value")

    def wait(self, expression):
        """Waits until an expression is true."""
        end = time.monotonic() + _TIMEOUT
        while not self.evaluate(expression):
            if time.monotonic() > end:
                raise AssertionError(f"Never true: {expression}")
            time.sleep(0.02)

    def click(self, selector, x=0.5, y=0.5):
        """Clicks into an element, at shares of its width and height."""
        left, top, width, height = self.evaluate(
            "(() => {const e = document.querySelector("
            f"{json.dumps(selector)});"
            "e.scrollIntoView({block: 'center', behavior: 'instant'});"
            "const b = e.getBoundingClientRect();"
            "return [b.x, b.y, b.width, b.height]})()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.send(
                "Input.dispatchMouseEvent",
                type=kind,
                x=left + x * width,
                y=top + y * height,
                button="left",
                clickCount=1,
            )

    def press(self, key):
        """Presses a key."""
        code = _KEY_CODES[key]
        text = {"Enter": "\r", " ": " "}.get(key, "")
        for kind in ("keyDown", "keyUp"):
            self.send(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                windowsVirtualKeyCode=code,
                text=text if kind == "keyDown" else "",
            )

    def send(self, method, **params):
        """Sends a command, and returns its result."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            command["sessionId"] = self._session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        while True:
            message = self._receive()
            if message.get("id") == self._number:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']}")
                return message["result"]
            self._note(message)

    def _note(self, message):
        params = message.get("params", {})
        kind = message.get("method")
        if kind == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif kind in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            self.complaints.append(params)
        elif kind == "Log.entryAdded":
            self.complaints.append(params["entry"])

    def _receive(self):
        while b"\0" not in self._buffer:
            if not select.select([self._events], [], [], _TIMEOUT)[0]:
                raise AssertionError("The browser does not answer.")
            data = os.read(self._events, 2**16)
            if not data:
                raise AssertionError("The browser has ended.")
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)
