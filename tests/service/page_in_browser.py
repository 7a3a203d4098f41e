"""A headless Chromium and a real service, for tests of the page, and what they do in it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from PIL import Image, ImageDraw

pytest.importorskip("selenium", reason="selenium is not installed: pip install -r requirements/test.txt")
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).parents[2]
CHROMIUM, CHROMEDRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None or CHROMEDRIVER is None, reason="apt install chromium chromium-driver"),
]

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)
PATIENCE = 20  # seconds, for what is normally there in a fraction of one
Strokes = list[list[tuple[int, int]]]
CROSS: Strokes = [[(-60, 0), (60, 5)], [(0, -60), (5, 60)]]
RING: Strokes = [[(0, -60), (45, -42), (60, 0), (42, 45), (0, 60), (-45, 42), (-60, 0), (-42, -45), (0, -60)]]


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a service that keeps its state in ``folder``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "service.log"
    state = {"PORT": str(port), "DATA_DIR": str(folder / "data")}
    env = os.environ | {"BENTOML_DO_NOT_TRACK": "true", "OMP_NUM_THREADS": "1"} | state
    command = [sys.executable, "-m", "service", "serve"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=output)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(address, process, log)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def _wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 3 * PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the service did not become ready:\n{log.read_text()[-3000:]}")


@contextmanager
def chromium(folder: Path) -> Iterator[Chrome]:
    """A browser that keeps its profile in ``folder``."""
    options = ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=ChromeService(CHROMEDRIVER))
    try:
        yield driver
    finally:
        driver.quit()


@contextmanager
def emptied(origin: str) -> Iterator[None]:
    """Afterwards remove all that the service has kept."""
    try:
        yield
    finally:
        for task in httpx.get(f"{origin}/v1/tasks").json()["items"]:
            httpx.delete(f"{origin}/v1/tasks/{task['id']}").raise_for_status()


def waiting(browser: Chrome) -> WebDriverWait[Chrome]:
    """Wait for what the page comes to."""
    return WebDriverWait(browser, PATIENCE, poll_frequency=0.1)


def find(browser: Chrome, selector: str) -> list[WebElement]:
    """Give the elements of the page that a selector means."""
    return browser.find_elements(By.CSS_SELECTOR, selector)


def drawings(folder: Path, name: str, strokes: Strokes) -> str:
    """Write three drawings of one kind, each a little elsewhere; give their paths for a file input."""
    paths = []
    for shift in (-6, 0, 7):
        sheet = Image.new("L", (160, 160), 255)
        for stroke in strokes:
            points = [(80 + x + shift, 80 + y - shift) for x, y in stroke]
            ImageDraw.Draw(sheet).line(points, fill=0, width=5, joint="curve")
        paths.append(folder / f"{name}{shift}.png")
        sheet.save(paths[-1])
    return "\n".join(map(str, paths))


def draw(browser: Chrome, canvas: WebElement, strokes: Strokes) -> None:
    """Draw on a sheet, from its middle."""
    for stroke in strokes:
        pen = ActionChains(browser, duration=10)
        pen.move_to_element_with_offset(canvas, *stroke[0]).click_and_hold()
        for point in stroke[1:]:
            pen.move_to_element_with_offset(canvas, *point)
        pen.release().perform()
