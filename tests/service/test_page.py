"""The page in a real headless Chromium, on the real service: two classes, a drawn query, its answer."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

pytest.importorskip("selenium", reason="selenium is not installed: pip install -r requirements/test.txt")
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).parents[2]
CHROMIUM, CHROMEDRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
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


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("service")
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


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=ChromeService(CHROMEDRIVER))
    yield driver
    driver.quit()


def _find(browser: Chrome, selector: str) -> list[WebElement]:
    return browser.find_elements(By.CSS_SELECTOR, selector)


def _drawings(folder: Path, name: str, strokes: Strokes) -> str:
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


def _draw(browser: Chrome, canvas: WebElement, strokes: Strokes) -> None:
    for stroke in strokes:
        pen = ActionChains(browser, duration=10)
        pen.move_to_element_with_offset(canvas, *stroke[0]).click_and_hold()
        for point in stroke[1:]:
            pen.move_to_element_with_offset(canvas, *point)
        pen.release().perform()


def _drafts(origin: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{origin}/v1/tasks?temporary=true", timeout=PATIENCE) as answer:
        items: list[dict[str, Any]] = json.load(answer)["items"]
    return items


def _requested(browser: Chrome, origin: str) -> set[str]:
    """Give the addresses that pages of ``origin`` asked for, from the browser's log; not its start page's."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return {
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
        and message["params"]["documentURL"].startswith(f"{origin}/")
    }


def test_two_classes_a_drawn_query_and_its_answer(browser: Chrome, origin: str, tmp_path: Path) -> None:
    wait = WebDriverWait(browser, PATIENCE, poll_frequency=0.1)
    browser.get(origin)
    wait.until(lambda _: len(_find(browser, ".class-row")) == 2)
    assert "Class 1 and Class 2 need an image each" in _find(browser, "#standing")[0].text

    for name, label in zip(_find(browser, ".class-name"), ("cross", "ring"), strict=True):
        name.click()
        name.send_keys(label)
    files = _drawings(tmp_path, "cross", CROSS), _drawings(tmp_path, "ring", RING)
    for field, paths in zip(_find(browser, ".class-row input[type=file]"), files, strict=True):
        field.send_keys(paths)
    wait.until(lambda _: len(_find(browser, ".class-row figure.tile img")) == 6)
    wait.until(lambda _: _find(browser, "#standing")[0].get_attribute("data-state") == "ready")
    assert [one["label"] for one in _drafts(origin)[0]["classes"]] == ["cross", "ring"]

    canvas = _find(browser, "#query-pad canvas")[0]
    _draw(browser, canvas, CROSS)
    wait.until(lambda _: _find(browser, "#drawing-answer .answer[data-state=answered] .bar-row"))
    # Class by class, in the order of the page: a bar, its share, its name.
    meters = _find(browser, "#drawing-answer [role=meter]")
    shares = {one.get_attribute("aria-label"): float(one.get_attribute("aria-valuenow")) for one in meters}
    assert set(shares) == {"cross", "ring"}
    assert sum(shares.values()) == pytest.approx(1, abs=1e-3)
    # A stranger is called unknown with the class it is closest to; either way the page names the likeliest.
    shown = _find(browser, "#drawing-answer .winner")[0].text + _find(browser, "#drawing-answer .closest")[0].text
    assert max(shares, key=lambda label: shares[label]) == "cross"
    assert "cross" in shown
    assert _find(browser, "#drawing-answer .nearest img"), "the nearest examples are shown as pictures"

    requested = _requested(browser, origin)
    # The manifest of examples is optional, and a browser logs every 404.
    log = [entry for entry in browser.get_log("browser") if "/page/examples.json" not in entry["message"]]
    assert not [entry for entry in log if entry["level"] == "SEVERE"]
    own = (f"{origin}/", "blob:", "data:")
    assert {url for url in requested if not url.startswith(own)} == set()
    assert f"{origin}/page/main.js" in requested

    # Leaving asks first (the driver says yes), and takes the draft along: none may pile up in the service.
    assert browser.execute_script("return !dispatchEvent(new Event('beforeunload', { cancelable: true }))")
    browser.get("about:blank")
    wait.until(lambda _: _drafts(origin) == [])


def test_an_image_moves_to_another_class_by_hand_or_keys(browser: Chrome, origin: str, tmp_path: Path) -> None:
    wait = WebDriverWait(browser, PATIENCE, poll_frequency=0.1)
    browser.get(origin)
    wait.until(lambda _: len(_find(browser, ".class-row")) == 2)
    _find(browser, ".class-row input[type=file]")[0].send_keys(_drawings(tmp_path, "cross", CROSS))
    wait.until(lambda _: len(_find(browser, "figure.tile img")) == 3)

    def count() -> list[int]:
        return [len(row.find_elements(By.CSS_SELECTOR, "figure.tile")) for row in _find(browser, ".class-row")]

    def drag(target: WebElement) -> None:
        hand = ActionChains(browser, duration=50)
        hand.move_to_element(_find(browser, "figure.tile img")[0]).click_and_hold().move_by_offset(10, 0)
        hand.move_to_element(target).move_by_offset(3, 0).pause(0.3).release().perform()

    for beside in "#ask-heading", "#classes > :first-child .class-count":
        drag(_find(browser, beside)[0])
        assert count() == [3, 0]
    drag(_find(browser, ".class-row")[1])
    wait.until(lambda _: count() == [2, 1])
    assert "Moved cross-6.png to Class 2." in _find(browser, "#own-notice")[0].text
    ActionChains(browser).key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()
    wait.until(lambda _: count() == [3, 0])

    _find(browser, "figure.tile img")[2].click()
    assert browser.switch_to.active_element.get_attribute("id") == "move-to"
    ActionChains(browser).send_keys(Keys.TAB, Keys.ENTER).perform()
    wait.until(lambda _: count() == [2, 1])
    assert browser.switch_to.active_element.get_attribute("alt") == "cross0.png"


@pytest.mark.parametrize(("size", "copied_size"), [((1600, 1200), (1024, 768)), ((700, 500), (700, 500))])
def test_large_images_are_made_smaller_also_where_they_have_few_pixels(
    browser: Chrome, origin: str, size: tuple[int, int], copied_size: tuple[int, int]
) -> None:
    browser.get(origin)
    measure = """
        const { copyAll } = await import('/page/copies.js');
        const sheet = new OffscreenCanvas(...arguments);
        const pixels = new ImageData(...arguments);
        pixels.data.forEach((_, index) => { pixels.data[index] = 128 + 99 * Math.random(); });
        sheet.getContext('2d').putImageData(pixels, 0, 0);
        const given = new File([await sheet.convertToBlob()], 'a.png', { type: 'image/png' });
        const [copy] = (await copyAll([given])).files;
        const { width, height } = await createImageBitmap(copy);
        return [given.size, copy.size, copy.name, width, height];
    """
    given, copied, *shape = browser.execute_script(measure, *size)
    assert shape == ["a.png", *copied_size]
    # Noise, which no photo comes near: a hundred and more of these go into one request, which may have 64 MiB.
    assert copied < 64 * 2**20 / 100 < given
