"""Chromium, Firefox and WebKit behind one interface, installed where missing; used by tests/browsers/run.py."""

from __future__ import annotations

import glob
import logging
import os
import shutil
import socket
import subprocess
from contextlib import ExitStack
from typing import Any, Protocol

from playwright.sync_api import sync_playwright

from tests import browser
from tests.e2e.conftest import FLAGS

PATIENCE = 240  # seconds for one answer


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


def asked(script: str) -> str:
    """An asynchronous script, as WebDriver has them, that answers with an expression's value or what went wrong."""
    return f"""const done = arguments[0];
      Promise.resolve().then(() => ({script}))
        .then((value) => done({{ value }}), (error) => done({{ error: String(error) }}));"""


def value(answer: dict[str, Any] | None) -> Any:
    """What such a script answered; ScriptError where something went wrong."""
    if answer is None:
        raise ScriptError("the page went away")
    if "error" in answer:
        raise ScriptError(answer["error"])
    return answer.get("value")


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
    """Marionette, Firefox's own driver; no geckodriver.

    Not WebDriver BiDi: it listens for workers, and while anything does (developer tools do too), Firefox may wait for
    ever where a worker starts another one, as onnxruntime's threads are.
    """

    def __init__(self) -> None:
        if not self._find():
            browser.debian("firefox-esr")
        path = self._find()
        if not path:
            raise Missing("Firefox is not installed and could not be: as root on Debian, firefox-esr is")
        from marionette_driver.marionette import Marionette

        logging.getLogger("mozversion").disabled = True
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._driver = Marionette(bin=path, headless=True, port=port, gecko_log=os.devnull)
        self._driver.start_session()
        self._driver.timeout.script = self._driver.timeout.page_load = PATIENCE
        self.version = self._driver.session_capabilities["browserVersion"]

    @staticmethod
    def _find() -> str | None:
        return shutil.which("firefox-esr") or shutil.which("firefox")

    def open(self, address: str) -> None:
        self._driver.navigate(address)

    def reload(self) -> None:
        """By leaving and coming back: Marionette's own reload passes service workers by."""
        address = self._driver.get_url()
        self.open("about:blank")
        self.open(address)

    def evaluate(self, script: str) -> Any:
        from marionette_driver.errors import MarionetteException

        try:
            return value(self._driver.execute_async_script(asked(script), sandbox=None))
        except MarionetteException as error:
            raise ScriptError(str(error)) from error

    def close(self) -> None:
        self._driver.cleanup()
        del self._driver  # it complains if it still exists when Python ends


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

        try:
            return value(self._driver.execute_async_script(asked(script)))
        except WebDriverException as error:
            raise ScriptError(str(error)) from error

    def close(self) -> None:
        self._driver.quit()
        self._screen.terminate()
        self._screen.wait(20)


ENGINES: dict[str, type[Engine]] = {"Chromium": Chromium, "Firefox": Firefox, "WebKit": WebKit}
