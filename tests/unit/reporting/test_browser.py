"""Pages in a real browser: opened from disk, silent, whole, and usable by keyboard."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import Select, WebDriverWait

import uflux_stats as us
from uflux_stats.reporting.reports import RenderedReports

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--window-size=1300,1000")  # fmt: skip
PATIENCE = 60
OPENS_WITHIN = 2.0


@pytest.fixture(scope="module")
def rendered(shared_run: Path) -> RenderedReports:
    return us.report(shared_run, everything=True, engine="embedded")


@pytest.fixture(scope="module")
def browser() -> Iterator[WebDriver]:
    """Headless Chromium, or a skip that says what to install."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("no browser: install chromium and chromium-driver to open the pages")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    running = webdriver.Chrome(options=options, service=Service(driver))
    yield running
    running.quit()


def opened(browser: WebDriver, page: Path) -> None:
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(page.as_uri())
    if browser.find_elements(By.ID, "map"):
        WebDriverWait(browser, PATIENCE).until(
            lambda one: one.find_element(By.ID, "map").get_attribute("data-drawn")
        )


def asked_for(browser: WebDriver) -> list[str]:
    """Addresses of all requests since the page was asked for."""
    messages = (json.loads(row["message"])["message"] for row in browser.get_log("performance"))
    return [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]


def test_pages_open_silently_and_ask_for_nothing(
    browser: WebDriver, rendered: RenderedReports
) -> None:
    for page in (*rendered.pages, rendered.index):
        opened(browser, page)
        assert browser.get_log("browser") == [], page.name
        others = [url for url in asked_for(browser) if not url.startswith("data:")]
        assert others == [page.as_uri()], page.name


def test_every_picture_is_seen_and_described(browser: WebDriver, rendered: RenderedReports) -> None:
    counted = 0
    for page in rendered.pages:
        opened(browser, page)
        for picture in browser.find_elements(By.TAG_NAME, "img"):
            assert browser.execute_script("return arguments[0].naturalWidth", picture) > 100
            assert len(picture.get_attribute("alt")) > 10
            counted += 1
    assert counted >= 4


def test_every_link_resolves(browser: WebDriver, rendered: RenderedReports) -> None:
    linked = set()
    for page in (*rendered.pages, rendered.index):
        opened(browser, page)
        for link in browser.find_elements(By.CSS_SELECTOR, "a[href]"):
            target = link.get_attribute("href")
            if target.startswith(f"{page.as_uri()}#"):
                found = browser.find_elements(By.ID, target.partition("#")[2])
                assert len(found) == 1, target
            else:
                linked.add(target)
    assert linked == {page.as_uri() for page in rendered.pages}


def test_pages_open_quickly(browser: WebDriver, rendered: RenderedReports) -> None:
    """The quickest of three: a busy machine is not a slow page."""
    for page in (rendered.index, *rendered.pages):
        times = []
        for _ in range(3):
            start = time.perf_counter()
            opened(browser, page)
            times.append(time.perf_counter() - start)
        assert min(times) < OPENS_WITHIN, page.name


def test_tabs_obey_the_arrow_keys(browser: WebDriver, rendered: RenderedReports) -> None:
    opened(browser, rendered.pages[0])
    tabs = browser.find_elements(By.CSS_SELECTOR, ".tabset [role=tab]")[:3]
    panels = [browser.find_element(By.ID, tab.get_attribute("aria-controls")) for tab in tabs]
    assert [panel.is_displayed() for panel in panels] == [True, False, False]
    tabs[0].send_keys(Keys.ARROW_RIGHT)
    assert [panel.is_displayed() for panel in panels] == [False, True, False]
    assert browser.switch_to.active_element == tabs[1]
    browser.switch_to.active_element.send_keys(Keys.END)
    assert [tab.get_attribute("aria-selected") for tab in tabs] == ["false", "false", "true"]


def test_a_link_opens_the_panel_its_target_is_in(
    browser: WebDriver, rendered: RenderedReports
) -> None:
    opened(browser, rendered.pages[0])
    target = browser.find_element(By.ID, "tbl-types")
    assert not target.is_displayed()
    browser.find_element(By.CSS_SELECTOR, "a[href='#tbl-types']").click()
    WebDriverWait(browser, PATIENCE).until(lambda _: target.is_displayed())


def test_tables_sort_by_number_and_by_keyboard(
    browser: WebDriver, rendered: RenderedReports
) -> None:
    opened(browser, rendered.index)
    table = browser.find_element(By.CSS_SELECTOR, ".sortable table")

    def first_column() -> list[str]:
        return [row.text for row in table.find_elements(By.CSS_SELECTOR, "tbody td:first-child")]

    head = table.find_elements(By.CSS_SELECTOR, "th button")[1]
    assert first_column() == ["All land", "Europe", "Oceania"]
    head.send_keys(Keys.ENTER)
    assert first_column() == ["Oceania", "Europe", "All land"]
    head.send_keys(Keys.SPACE)
    assert first_column() == ["All land", "Europe", "Oceania"]
    cell = table.find_elements(By.CSS_SELECTOR, "th")[1]
    assert cell.get_attribute("aria-sort") == "descending"


def test_the_map_changes_its_field(browser: WebDriver, rendered: RenderedReports) -> None:
    opened(browser, rendered.index)
    seen = (
        "return ['GPP', 'NEE'].map(name => "
        "Bokeh.documents[0].get_model_by_name('map').select_one(name).visible)"
    )
    assert browser.execute_script(seen) == [True, False]
    Select(browser.find_element(By.ID, "map-field")).select_by_visible_text("NEE")
    assert browser.execute_script(seen) == [False, True]
    assert browser.get_log("browser") == []
    assert len(browser.find_element(By.ID, "map").get_attribute("aria-label")) > 50
