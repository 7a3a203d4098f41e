"""A kept classifier on the page, in a real headless Chromium: its pictures, and moving them between classes."""

from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="selenium is not installed: pip install -r requirements/test.txt")
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from service.client import Client
from tests.service.page_in_browser import CROSS, MARKS, RING, drawings, find, waiting

pytestmark = MARKS
LOADED = "return [...document.querySelectorAll(arguments[0])].filter((one) => one.naturalWidth > 0).length"


@pytest.fixture
def task(browser: Chrome, origin: str, tmp_path: Path) -> str:
    """The id of the only classifier kept, in which a cross is among the rings."""
    crosses, rings = (
        list(map(Path, drawings(tmp_path, name, strokes).splitlines()))
        for name, strokes in (("cross", CROSS), ("ring", RING))
    )
    labelled = [("cross", one) for one in crosses[1:]] + [("ring", one) for one in (*rings, crosses[0])]
    with Client(origin) as client:
        return str(client.create_task(labelled, name="shapes")["id"])


def open_kept(browser: Chrome, origin: str) -> None:
    browser.get(origin)
    waiting(browser).until(lambda _: find(browser, ".kept-tools .button"))
    find(browser, ".kept-tools .button")[0].click()
    waiting(browser).until(lambda _: find(browser, "#opened-classes .tile"))


def counts(browser: Chrome) -> list[int]:
    of_rows = "[...document.querySelectorAll('#opened-classes > li')]"
    # At once, as a row may go between two questions.
    return list(browser.execute_script(f"return {of_rows}.map((row) => row.querySelectorAll('.tile').length)"))


def test_its_pictures_are_shown_also_beside_answers(
    browser: Chrome, origin: str, task: str, tmp_path: Path
) -> None:
    wait = waiting(browser)
    open_kept(browser, origin)
    wait.until(lambda _: browser.execute_script(LOADED, ".tile img") == 6)
    find(browser, "#choose-queries")[0].send_keys(drawings(tmp_path, "new", RING).splitlines()[1])
    wait.until(lambda _: browser.execute_script(LOADED, "#answers .nearest img") >= 2)
    assert not find(browser, "#answers .no-picture")
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def test_an_image_moves_by_hand_or_keys_and_back(browser: Chrome, origin: str, task: str) -> None:
    wait = waiting(browser)
    open_kept(browser, origin)
    assert counts(browser) == [2, 4]

    def drag(source: WebElement, target: WebElement) -> None:
        hand = ActionChains(browser, duration=50)
        hand.move_to_element(source).click_and_hold().move_by_offset(10, 0)
        hand.move_to_element(target).move_by_offset(3, 0).pause(0.3).release().perform()

    stray = find(browser, "#opened-classes > :last-child .tile img")[-1]
    for beside in "#ask-heading", "#opened-classes > :last-child .opened-label":
        drag(stray, find(browser, beside)[0])
        assert counts(browser) == [2, 4]
    drag(stray, find(browser, "#opened-classes > :first-child .opened-label")[0])
    wait.until(lambda _: counts(browser) == [3, 3])
    assert "Moved ring/cross-6.png to cross." in find(browser, "#opened-notice")[0].text
    with Client(origin) as client:
        kept = client.task(task)
    assert [(one["label"], one["examples"]) for one in kept["classes"]] == [("cross", 3), ("ring", 3)]
    assert kept["version"] == 2
    wait.until(lambda _: browser.execute_script(LOADED, ".tile img") == 6)
    ActionChains(browser).key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()
    wait.until(lambda _: counts(browser) == [2, 4])

    wait.until(lambda _: find(browser, "#opened-classes > :last-child .is-doubtful img[alt='ring/cross-6.png']"))
    assert "Looks more like cross." in (find(browser, ".is-doubtful img")[0].get_attribute("title") or "")
    find(browser, "#opened-classes > :last-child .tile img")[-1].send_keys(Keys.ENTER)
    assert browser.switch_to.active_element.get_attribute("id") == "move-kept-to"
    ActionChains(browser).send_keys(Keys.TAB, Keys.ENTER).perform()
    wait.until(lambda _: counts(browser) == [3, 3])
    assert browser.switch_to.active_element.get_attribute("alt") == "ring/ring7.png"


def test_what_is_removed_comes_back_as_it_was(browser: Chrome, origin: str, task: str, tmp_path: Path) -> None:
    wait = waiting(browser)
    odd = tmp_path / 'a "b" %22 \\ ü#?.png'
    odd.write_bytes((tmp_path / "cross0.png").read_bytes())
    with Client(origin) as client:
        client.add_examples(task, [("ß/ü ?#%2F 'a' \"b\"", odd)])

    def kept() -> list[tuple[str, str, bytes]]:
        with Client(origin) as client:
            examples = client.task(task)["examples"]
            return sorted((one["label"], one["filename"], client.example(task, one["id"])) for one in examples)

    before = kept()
    open_kept(browser, origin)
    names = [one.get_attribute("alt") for one in find(browser, ".tile img")]
    assert counts(browser) == [2, 4, 1]
    find(browser, "#opened-classes > :nth-child(2) .tile .icon")[1].send_keys(Keys.ENTER)
    wait.until(lambda _: counts(browser) == [2, 3, 1])
    assert "Removed ring/ring0.png." in find(browser, "#opened-notice")[0].text
    assert browser.switch_to.active_element.get_attribute("aria-label") == "Remove ring/ring7.png from ring"
    assert len(kept()) == len(before) - 1
    find(browser, "#opened-classes > :last-child > .icon")[0].click()
    wait.until(lambda _: counts(browser) == [2, 3])
    assert browser.switch_to.active_element.get_attribute("aria-label") == "Remove class ring"
    ActionChains(browser).key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()
    wait.until(lambda _: counts(browser) == [2, 3, 1])
    find(browser, "#opened-notice .button")[0].click()
    wait.until(lambda _: counts(browser) == [2, 4, 1])
    assert [one.get_attribute("alt") for one in find(browser, ".tile img")] == names
    assert kept() == before
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def test_the_buttons_of_a_class_stand_in_its_first_line(browser: Chrome, origin: str, task: str) -> None:
    with Client(origin) as client:
        first = client.task(task)["examples"][0]["id"]
        client.move_example(task, first, "the name of a class that takes several lines " * 2)
    open_kept(browser, origin)
    buttons = find(browser, "#opened-classes > li:last-child > :is(.button, .icon)")
    middles = [one.location["y"] + one.size["height"] / 2 for one in buttons]
    assert len(middles) == 4
    assert max(middles) - min(middles) < 3


@pytest.mark.parametrize("width", [490, 910, 1090])
def test_where_the_column_is_narrow_a_long_label_has_its_whole_width(
    browser: Chrome, origin: str, task: str, width: int
) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False},
    )
    with Client(origin) as client:
        first = client.task(task)["examples"][0]["id"]
        client.move_example(task, first, "the name of a class that takes several lines")
    open_kept(browser, origin)
    column = find(browser, "#opened-classes")[0].size["width"]
    for label in find(browser, ".opened-label"):
        assert label.size["width"] > 0.9 * column


def test_on_a_phone_it_has_room_for_all(browser: Chrome, origin: str, task: str) -> None:
    metrics = {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    with Client(origin) as client:
        first = client.task(task)["examples"][0]["id"]
        client.move_example(task, first, "the name of a class that is wider than a phone")
    open_kept(browser, origin)
    find(browser, ".tile img")[0].click()
    for size in ("100%", "200%"):
        browser.execute_script("document.documentElement.style.fontSize = arguments[0]", size)
        assert browser.execute_script("return document.documentElement.scrollWidth") == 320
        for label, cross in zip(
            find(browser, ".opened-label"), find(browser, "#opened-classes > li > .icon"), strict=True
        ):
            middle = cross.location["y"] + cross.size["height"] / 2
            assert 0 < middle - label.location["y"] < label.size["height"], "beside the name"
            assert cross.location["x"] >= 320 - 16 - cross.size["width"]
