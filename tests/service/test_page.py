"""The page in a real headless Chromium, on the real service: two classes, a drawn query, its answer."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("selenium", reason="selenium is not installed: pip install -r requirements/test.txt")
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.service.page_in_browser import (
    CROSS,
    MARKS,
    PATIENCE,
    RING,
    draw,
    drawings,
    find,
    waiting,
)

pytestmark = MARKS


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
    wait = waiting(browser)
    browser.get(origin)
    wait.until(lambda _: len(find(browser, ".class-row")) == 2)
    assert "Class 1 and Class 2 need an image each" in find(browser, "#standing")[0].text

    for name, label in zip(find(browser, ".class-name"), ("cross", "ring"), strict=True):
        name.click()
        name.send_keys(label)
    files = drawings(tmp_path, "cross", CROSS), drawings(tmp_path, "ring", RING)
    for field, paths in zip(find(browser, ".class-row input[type=file]"), files, strict=True):
        field.send_keys(paths)
    wait.until(lambda _: len(find(browser, ".class-row figure.tile img")) == 6)
    wait.until(lambda _: find(browser, "#standing")[0].get_attribute("data-state") == "ready")
    assert [one["label"] for one in _drafts(origin)[0]["classes"]] == ["cross", "ring"]

    canvas = find(browser, "#query-pad canvas")[0]
    draw(browser, canvas, CROSS)
    wait.until(lambda _: find(browser, "#drawing-answer .answer[data-state=answered] .bar-row"))
    # Class by class, in the order of the page: a bar, its share, its name.
    meters = find(browser, "#drawing-answer [role=meter]")
    shares = {one.get_attribute("aria-label"): float(one.get_attribute("aria-valuenow")) for one in meters}
    assert set(shares) == {"cross", "ring"}
    assert sum(shares.values()) == pytest.approx(1, abs=1e-3)
    # A stranger is called unknown with the class it is closest to; either way the page names the likeliest.
    shown = find(browser, "#drawing-answer .winner")[0].text + find(browser, "#drawing-answer .closest")[0].text
    assert max(shares, key=lambda label: shares[label]) == "cross"
    assert "cross" in shown
    assert find(browser, "#drawing-answer .nearest img"), "the nearest examples are shown as pictures"

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
    wait = waiting(browser)
    browser.get(origin)
    wait.until(lambda _: len(find(browser, ".class-row")) == 2)
    find(browser, ".class-row input[type=file]")[0].send_keys(drawings(tmp_path, "cross", CROSS))
    wait.until(lambda _: len(find(browser, "figure.tile img")) == 3)

    def count() -> list[int]:
        return [len(row.find_elements(By.CSS_SELECTOR, "figure.tile")) for row in find(browser, ".class-row")]

    def drag(target: WebElement) -> None:
        hand = ActionChains(browser, duration=50)
        hand.move_to_element(find(browser, "figure.tile img")[0]).click_and_hold().move_by_offset(10, 0)
        hand.move_to_element(target).move_by_offset(3, 0).pause(0.3).release().perform()

    for beside in "#ask-heading", "#classes > :first-child .class-count":
        drag(find(browser, beside)[0])
        assert count() == [3, 0]
    drag(find(browser, ".class-row")[1])
    wait.until(lambda _: count() == [2, 1])
    assert "Moved cross-6.png to Class 2." in find(browser, "#own-notice")[0].text
    ActionChains(browser).key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()
    wait.until(lambda _: count() == [3, 0])

    find(browser, "figure.tile img")[2].click()
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
