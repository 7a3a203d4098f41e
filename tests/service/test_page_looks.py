"""How the page looks in a real headless Chromium where there is little room: on a phone, in large letters."""

from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="selenium is not installed: pip install -r requirements/test.txt")
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.service.page_in_browser import CROSS, MARKS, RING, drawings, find, waiting

pytestmark = MARKS


def test_long_names_and_large_letters_fit_a_phone_and_paper(browser: Chrome, origin: str, tmp_path: Path) -> None:
    wait = waiting(browser)
    metrics = {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(origin)
    wait.until(lambda _: len(find(browser, ".class-row")) == 2)
    long = "sheet-of-the-herbarium-" * 9
    for row, strokes, label in zip(find(browser, ".class-row"), (CROSS, RING), "ab", strict=True):
        name = row.find_element(By.CLASS_NAME, "class-name")
        name.click()
        name.send_keys(f"{'Phyllostachys aureosulcata ' * 3}{label}")
        files = drawings(tmp_path, f"{long}{label}", strokes)
        row.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(files)
    wait.until(lambda _: find(browser, "#standing")[0].get_attribute("data-state") == "ready")
    find(browser, "figure.tile img")[0].click()
    find(browser, ".move-form .button")[0].click()
    wait.until(lambda _: "Moved" in find(browser, "#own-notice")[0].text)
    assert find(browser, "#own-notice")[0].size["height"] < 200

    asked = (drawings(tmp_path, f"{long}{mark}", RING) for mark in "?!")
    find(browser, "#choose-queries")[0].send_keys("\n".join(asked))
    wait.until(lambda _: len(find(browser, "#answers .answer[data-state=answered]")) == 6)
    wait.until(lambda _: find(browser, "#answers-of")[0].is_displayed())
    browser.execute_script("document.querySelector('#answers .use').click()")
    assert find(browser, "#answers .move-form select")[0].is_displayed()
    name = find(browser, "#keep-name")[0]
    name.clear()
    name.send_keys(long, Keys.ENTER)
    wait.until(lambda _: find(browser, ".kept-row"))
    browser.execute_script("document.documentElement.style.fontSize = '200%'")
    assert browser.execute_script("return document.documentElement.scrollWidth") == 320
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not [one for one in find(browser, "button, label.button, .notice") if one.is_displayed()]


def test_without_scripts_the_page_says_so_and_shows_no_empty_boxes(browser: Chrome, origin: str) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.get(origin)
    shown = [one for one in find(browser, "button, label, section, summary") if one.is_displayed()]
    assert shown == []
    assert "needs JavaScript" in find(browser, "noscript .problem")[0].text
