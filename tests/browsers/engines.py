"""Chromium, Firefox and WebKit behind one interface, installed where missing; used by tests/browsers/run.py."""

from __future__ import annotations

import glob
import json
import os
import shutil
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

from playwright.sync_api import sync_playwright

from tests import browser
from tests.e2e.conftest import FLAGS

PATIENCE = 240  # seconds for one answer
HERE = Path(__file__).parent


class Missing(Exception):
    """The engine is not on this machine and cannot be brought here; the message says so."""


class ScriptError(Exception):
    """A script failed, or the page it ran in went away."""


class Engine(Protocol):
    """A started browser with one page."""

    version: str

    def open(self, address: str) -> None: ...

    def reload(self) -> None: ...

    def evaluate(self, script: str) -> Any:
        """The value of an expression, JSON, or of the promise that it is; ScriptError where that fails."""

    def close(self) -> None: ...


class Chromium:
    """Playwright, as in tests/e2e."""

    def __init__(self) -> None:
        path = browser.find() or browser.install()
        if not path:
            raise Missing("Chromium is not installed and could not be: install it to have numbers to compare with")
        self._stack = ExitStack()
        playwright = self._stack.enter_context(sync_playwright())
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        self.version = chromium.version
        self._page = chromium.new_page()
        self._page.set_default_timeout(PATIENCE * 1000)

    def open(self, address: str) -> None:
        self._page.goto(address)

    def reload(self) -> None:
        self._page.reload()

    def evaluate(self, script: str) -> Any:
        try:
            return self._page.evaluate(script)
        except Exception as error:
            raise ScriptError(str(error)) from error

    def close(self) -> None:
        self._stack.close()


class Firefox:
    """WebDriver BiDi, spoken by puppeteer in firefox.mjs; no geckodriver."""

    def __init__(self) -> None:
        if not self._find():
            browser.debian("firefox-esr")
        path = self._find()
        if not path:
            raise Missing("Firefox is not installed and could not be: as root on Debian, firefox-esr is")
        node = Path(sys.executable).with_name("node")
        command = [str(node), str(HERE / "firefox.mjs"), path]
        self._driver = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.version = self._ask("version").partition("/")[2]

    @staticmethod
    def _find() -> str | None:
        return shutil.which("firefox-esr") or shutil.which("firefox")

    def _ask(self, request: str, argument: str | None = None) -> Any:
        """One request, one answer; where none comes in time, the driver is ended."""
        assert self._driver.stdin and self._driver.stdout
        self._driver.stdin.write(json.dumps({"request": request, "argument": argument}) + "\n")
        self._driver.stdin.flush()
        patience = threading.Timer(PATIENCE, self._driver.terminate)
        patience.start()
        line = self._driver.stdout.readline()
        patience.cancel()
        answer = json.loads(line) if line else {"error": "Firefox did not answer"}
        if "error" in answer:
            raise ScriptError(answer["error"])
        return answer["value"]

    def open(self, address: str) -> None:
        self._ask("open", address)

    def reload(self) -> None:
        self._ask("reload")

    def evaluate(self, script: str) -> Any:
        return self._ask("evaluate", script)

    def close(self) -> None:
        self._driver.terminate()  # puppeteer ends its browser then
        self._driver.wait(20)


class WebKit:
    """WebKitGTK's MiniBrowser, driven by selenium, on a screen of its own."""

    def __init__(self) -> None:
        if not self._find():
            browser.debian("webkit2gtk-driver", "xvfb")
        if not (found := self._find()):
            raise Missing("WebKit is not installed and could not be: as root on Debian, webkit2gtk-driver and xvfb are")
        from selenium import webdriver

        driver, minibrowser, xvfb = found
        command = [xvfb, "-displayfd", "1", "-nolisten", "tcp"]
        self._screen = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._screen.stdout
        display = f":{self._screen.stdout.readline().strip()}"
        # in a bare machine's locale WebKit calls its language "C": the page must bear it
        environment = {**os.environ, "DISPLAY": display, "LC_ALL": "C.UTF-8"}
        options = webdriver.WebKitGTKOptions()
        options.binary_location = minibrowser
        options.add_argument("--automation")
        service = webdriver.WebKitGTKService(driver, env=environment)
        try:
            self._driver = webdriver.WebKitGTK(options=options, service=service)
        except BaseException:
            self._screen.terminate()
            raise
        self._driver.set_script_timeout(PATIENCE)
        self.version = self._driver.capabilities["browserVersion"]

    @staticmethod
    def _find() -> tuple[str, str, str] | None:
        """WebKit's driver, its browser and the screen."""
        driver, xvfb = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
        minibrowsers = sorted(glob.glob("/usr/lib/*/webkit2gtk-4.1/MiniBrowser"))
        return (driver, minibrowsers[0], xvfb) if driver and minibrowsers and xvfb else None

    def open(self, address: str) -> None:
        self._driver.get(address)

    def reload(self) -> None:
        self._driver.refresh()

    def evaluate(self, script: str) -> Any:
        from selenium.common.exceptions import WebDriverException

        asked = f"""const done = arguments[0];
          Promise.resolve().then(() => ({script}))
            .then((value) => done({{ value }}), (error) => done({{ error: String(error) }}));"""
        try:
            answer = self._driver.execute_async_script(asked)
        except WebDriverException as error:
            raise ScriptError(str(error)) from error
        if "error" in answer:
            raise ScriptError(answer["error"])
        return answer.get("value")

    def close(self) -> None:
        self._driver.quit()
        self._screen.terminate()
        self._screen.wait(20)


ENGINES: dict[str, type[Engine]] = {"Chromium": Chromium, "Firefox": Firefox, "WebKit": WebKit}
