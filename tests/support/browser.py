"""A real headless Chromium for tests of pages that open from the disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
CHROMEDRIVER = shutil.which("chromedriver")


@contextmanager
def open_browser(
    *, downloads: Path, width: int = 1280, height: int = 900, dark: bool = False
) -> Iterator[Any]:
    """A browser that plays sound without a click, downloads into a folder, and logs console and network.

    Args:
        downloads: folder for what a page offers to download.
        width: of the page, in CSS pixels; narrower than 500 only through this, not through the window.
        height: of the page.
        dark: what the page hears as the preferred colour scheme.

    Yields:
        A selenium Chrome driver. Skips the test, saying why, where there is no browser.
    """
    if CHROMIUM is None or CHROMEDRIVER is None:
        pytest.skip("no Chromium: install chromium and chromium-driver to run this test")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        "--autoplay-policy=no-user-gesture-required",
        "--mute-audio",
        "--hide-scrollbars",
    ):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(CHROMEDRIVER))
    try:
        resize(driver, width=width, height=height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        yield driver
    finally:
        driver.quit()


def resize(driver: Any, *, width: int, height: int) -> None:
    """Make the page this large, in CSS pixels."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def console_errors(driver: Any) -> list[str]:
    """What the console has said at warning level or above since the last call."""
    return [
        entry["message"] for entry in driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")
    ]


def requests_off_disk(driver: Any) -> list[str]:
    """Addresses asked for since the last call that are neither files nor inside the page."""
    asked = []
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.append(message["params"]["request"]["url"])
    return [url for url in asked if not url.startswith(("file:", "data:", "blob:", "about:", "chrome:"))]


def overflows(driver: Any) -> bool:
    """Whether the page is wider than its window."""
    page = "document.documentElement"
    return bool(driver.execute_script(f"return {page}.scrollWidth > {page}.clientWidth"))
