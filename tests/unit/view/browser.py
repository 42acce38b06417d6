"""A headless Chromium and a page for it to look at.

``python -m tests.unit.view.browser DIRECTORY`` puts pictures of the page in every condition there,
light and dark, narrow and wide: to be looked at after every change of how it looks.
"""

import base64
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver

from bridged.report import Report
from bridged.serve.http import HttpServer
from tests.unit.serve.reports import AS_DESIRED, BROKEN, CONTENDED, DRIFTING, NOW

CONDITIONS = {"still": AS_DESIRED, "drifting": DRIFTING, "contended": CONTENDED, "broken": BROKEN}
SCHEMES = ("light", "dark")
WIDTHS = (360, 1600)
_FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync --hide-scrollbars"
)


_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_DRIVER = shutil.which("chromedriver")


def missing() -> str:
    """What is missing for these tests, empty where nothing is."""
    found = {"chromium": _CHROMIUM, "chromedriver": _DRIVER}
    return " and ".join(tool for tool, path in found.items() if path is None)


class Page:
    """A server whose report the test chooses, its clock standing still."""

    def __init__(self) -> None:
        self.report: Report | None = AS_DESIRED
        self._port = 0
        self._server: HttpServer | None = None
        self.start()

    def start(self) -> None:
        server = HttpServer(lambda: self.report, lambda: 1.0, version="1", port=self._port)
        server._app._page._clock = lambda: NOW
        server.start()
        self._server, self._port = server, server.address[1]

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/"


class Browser:
    """What a test does with Chromium."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, url: str, width: int = 1600, scheme: str = "light") -> None:
        """Load a page in a window of `width`; the console is emptied before."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        self.console()
        self.driver.get(url)

    def run(self, code: str) -> Any:
        """What a piece of JavaScript returns."""
        return self.driver.execute_script(code)

    def console(self) -> list[str]:
        """What the console has said since it was asked last."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def wait(self, code: str, seconds: float = 20) -> None:
        """Wait until a piece of JavaScript returns something true."""
        deadline = time.monotonic() + seconds
        while not self.run(code):
            assert time.monotonic() < deadline, code
            time.sleep(0.1)

    def picture(self, path: Path) -> None:
        """The whole page as PNG."""
        width, height = self.run("return [innerWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, 4000), "scale": 1}
        shot = {"captureBeyondViewport": True, "clip": clip}
        data = self.driver.execute_cdp_cmd("Page.captureScreenshot", shot)["data"]
        path.write_bytes(base64.b64decode(data))


@contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium of its own, with nothing remembered."""
    options = webdriver.ChromeOptions()
    options.binary_location = _CHROMIUM or ""
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*_FLAGS.split(), f"--user-data-dir={profile}"):
            options.add_argument(flag)
        service = webdriver.ChromeService(_DRIVER)
        driver = webdriver.Chrome(options=options, service=service)
        try:
            yield Browser(driver)
        finally:
            driver.quit()


def main(directory: Path) -> None:
    page = Page()
    with chromium() as browser:
        for name, report in CONDITIONS.items():
            page.report = report
            for scheme in SCHEMES:
                for width in WIDTHS:
                    browser.open(page.url, width, scheme)
                    browser.picture(directory / f"page-{name}-{scheme}-{width}.png")
    page.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
