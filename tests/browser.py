"""Finds a Chromium for the browser tests, or installs one; run by `make test`, imported by tests/e2e/conftest.py."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

SHELL = "chromium-headless-shell"  # Chromium without the browser around it: a page starts with a third less work
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def find(whole: bool = False) -> str | None:
    """Path of an installed Chromium or Chrome, the system's first, then Playwright's own; None if there is none.

    whole: not the shell, which knows neither a profile's site settings nor which addresses to take for secure.
    """
    for name in NAMES[1:] if whole else NAMES:
        if path := shutil.which(name):
            return path
    if MAC.exists():
        return str(MAC)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> str | None:
    """Tries Playwright's download, then Debian's `chromium`; the path, or None."""
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    print("== " + " ".join(command), flush=True)
    subprocess.run(command, timeout=900)
    if find(whole=True) is None:
        debian("chromium")
    return find(whole=True)


def debian(*packages: str) -> None:
    """Installs Debian packages where this is Debian and we are root; elsewhere nothing happens."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return
    print(f"== apt-get install {' '.join(packages)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        subprocess.run(["apt-get", *command], env=environment, stdout=subprocess.DEVNULL, timeout=900)


def main() -> int:
    if shutil.which(SHELL) is None:
        debian(SHELL)
    path = find(whole=True) or install()
    if path is None:
        print("The browser tests need Chromium or Chrome: install one, then run make test again.", file=sys.stderr)
        return 2
    print(f"Browser: {find()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
