"""The listening page in a real browser, opened from the disk, with real speech."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
from support.browser import console_errors, open_browser, overflows, requests_off_disk, resize

from prep_corpus.align.audio.decode import encode_flac
from prep_corpus.filters.labels.heard import parse_transcripts
from prep_corpus.pipeline.finished.listening_page import page, peaks

DEMO = Path(__file__).resolve().parents[3] / "demo"
HOSTILE = "</script><img src=x onerror=alert(1)> & \"quoted\" 'text'"
WIDTHS = {1280: 900, 390: 844}


def write_page(folder: Path, digest: str, *, count: int = 6, listeners: int = 1) -> Path:
    """A sample's page and clips, of the demo's speech: the second clip is long, some ids and texts are hostile."""
    (folder / "clips").mkdir(parents=True)
    samples_N, rate_hz = soundfile.read(DEMO / "audio" / "alice.opus", dtype="float32")
    clips = []
    for number in range(count):
        start, length = number * 3 * rate_hz, (9 if number == 1 else 2) * rate_hz
        clip_N = samples_N[start : start + length]
        src = f"clips/{number + 1:04d}.flac"
        (folder / src).write_bytes(encode_flac(clip_N, rate_hz))
        facts = {"id": f'talk<{number}>&"', "src": src, "seconds": len(clip_N) / rate_hz, "text": HOSTILE}
        clips.append({**facts, "language": "en", "peaks": peaks(clip_N)})
    parts = [
        tuple(range(1, listeners + 1)) if number < 2 else (1 + number % listeners,) for number in range(count)
    ]
    path = folder / "index.html"
    path.write_text(page(digest=digest * 8, listeners=listeners, clips=clips, parts=parts), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def driver(downloads: Path) -> Iterator[Any]:
    with open_browser(downloads=downloads) as opened:
        yield opened


@pytest.fixture(autouse=True)
def quiet_and_offline(request: pytest.FixtureRequest, driver: Any) -> Iterator[None]:
    """No test of this page may leave an error in the console or a request to anything but the disk."""
    console_errors(driver), requests_off_disk(driver)
    yield
    assert requests_off_disk(driver) == []
    if "broken" not in request.node.name:
        assert console_errors(driver) == []


def until(driver: Any, script: str, *, seconds: float = 60) -> Any:
    """Wait for a script to return something true."""
    end = time.monotonic() + seconds
    while not (found := driver.execute_script(f"return {script}")):
        assert time.monotonic() < end, f"in {seconds} s not true: {script}"
        time.sleep(0.03)
    return found


def press(driver: Any, *keys: str) -> None:
    driver.switch_to.active_element.send_keys(*keys)


def alt(driver: Any, key: str) -> None:
    from selenium.webdriver.common.keys import Keys

    press(driver, Keys.ALT, key, Keys.ALT)


def begin(driver: Any, path: Path, name: str = "Anna") -> None:
    from selenium.webdriver.common.keys import Keys

    driver.get(path.as_uri())
    driver.find_element("id", "name").send_keys(name, Keys.ENTER)
    until(driver, "document.activeElement.id === 'text'")


def shown(driver: Any, identifier: str) -> str:
    return str(driver.find_element("id", identifier).text)


def said(driver: Any) -> str:
    """What the page says last, which goes away after some seconds: read at once, whatever is shown by now."""
    return str(driver.find_element("id", "say").get_property("textContent"))


def typed(driver: Any) -> str:
    return str(driver.find_element("id", "text").get_property("value"))


def saved_file(downloads: Path, act: Callable[[], None]) -> Path:
    """The file that appears in the download folder."""
    before = set(downloads.glob("*.jsonl"))
    act()
    end = time.monotonic() + 60
    while not (found := set(downloads.glob("*.jsonl")) - before):
        assert time.monotonic() < end, "no file was downloaded"
        time.sleep(0.05)
    return found.pop()


def save(driver: Any, downloads: Path) -> Path:
    return saved_file(downloads, driver.find_element("id", "save").click)


def test_one_listens_and_types_by_keyboard_reloads_and_saves(
    driver: Any, downloads: Path, tmp_path: Path
) -> None:
    from selenium.webdriver.common.keys import Keys

    begin(driver, write_page(tmp_path, "a1a1"))
    # The first clip waits for a key; Esc plays and pauses.
    assert driver.execute_script("return audio.paused")
    press(driver, Keys.ESCAPE)
    first = until(driver, "!audio.paused && audio.currentTime")
    until(driver, f"audio.currentTime > {first + 0.1}")
    press(driver, Keys.ESCAPE)
    until(driver, "audio.paused")
    assert shown(driver, "play-label") == "Play"
    press(driver, "Alice was, BEGINNING", Keys.ENTER)
    # The next one plays at once.
    assert shown(driver, "clip-title") == "Clip 2"
    until(driver, "!audio.paused && audio.currentTime > 0.05 && audio.src.endsWith('clips/0002.flac')")
    alt(driver, "-")
    alt(driver, "-")
    assert driver.execute_script("return [audio.playbackRate, audio.preservesPitch]") == [0.8, True]
    assert shown(driver, "rate") == "speed 80 %"
    driver.execute_script("audio.currentTime = 6")
    until(driver, "!audio.seeking && audio.currentTime >= 6")
    at = driver.execute_script("audio.pause(); return audio.currentTime")
    alt(driver, "b")
    until(driver, "!audio.paused && !audio.seeking")
    # The browser keeps microseconds: what was asked for may come back as the one before.
    assert at - 2.00001 < driver.execute_script("return audio.currentTime") < at - 1
    alt(driver, "r")
    until(driver, "!audio.seeking && audio.currentTime < 1")
    alt(driver, "+")
    assert driver.execute_script("return audio.playbackRate") == 0.9
    alt(driver, "x")
    assert shown(driver, "clip-title") == "Clip 3"
    assert driver.execute_script("return audio.playbackRate") == 0.9
    alt(driver, "0")
    press(driver, "typed twice", Keys.ENTER)
    press(driver, "half a dra")
    # Nothing is lost, and the same clip is there again.
    driver.refresh()
    assert shown(driver, "clip-title") == "Clip 5"
    assert typed(driver) == "half a dra"
    assert shown(driver, "badge") == "not finished: Enter"
    assert driver.execute_script("return audio.playbackRate") == 0.9
    assert shown(driver, "done-count") == "4"
    press(driver, Keys.SHIFT, Keys.ENTER)
    assert (shown(driver, "clip-title"), typed(driver)) == ("Clip 4", "typed twice")
    press(driver, " or thrice")
    path = save(driver, downloads)
    assert path.name == "Anna-a1a1a1a1.jsonl"
    assert "1 unfinished clip left out" in said(driver)
    heard = parse_transcripts(path.read_text(), path.name)
    assert [(one.id, one.text, one.unintelligible, one.is_empty) for one in heard] == [
        ('talk<0>&"', "Alice was, BEGINNING", False, False),
        ('talk<1>&"', "", True, False),
        ('talk<2>&"', "", False, False),
        ('talk<3>&"', "typed twice or thrice", False, False),
    ]
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        assert set(row) == {"id", "text", "unintelligible", "listener", "sample", "seconds_spent", "saved_at"}
        assert (row["listener"], row["sample"]) == ("Anna", "a1a1" * 8)
        assert 0 < row["seconds_spent"] < 120
    assert rows == sorted(rows, key=lambda row: row["saved_at"])


def test_the_end_and_what_was_passed_over(driver: Any, downloads: Path, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    begin(driver, write_page(tmp_path, "b1b1", count=3))
    press(driver, "one", Keys.ENTER)
    press(driver, Keys.ENTER)
    press(driver, "three", Keys.ENTER)
    assert shown(driver, "clip-title") == "Clip 2"
    assert shown(driver, "say") == "1 clip to do"
    assert not driver.execute_script("return document.getElementById('finished').open")
    alt(driver, "x")
    assert shown(driver, "clip-title") == "Clip 3"
    press(driver, Keys.ENTER)
    until(driver, "document.getElementById('finished').open")
    path = saved_file(downloads, lambda: press(driver, Keys.ENTER))
    assert len(path.read_text().splitlines()) == 3
    assert shown(driver, "say").startswith("3 clips saved as")
    driver.find_element("id", "text").click()
    # A mark is taken back by pressing it again, and text makes it a written clip.
    press(driver, Keys.SHIFT, Keys.ENTER)
    assert driver.find_element("id", "unintelligible").get_attribute("aria-pressed") == "true"
    driver.find_element("id", "unintelligible").click()
    assert shown(driver, "done-count") == "2"
    press(driver, "two", Keys.ENTER)
    assert shown(driver, "done-count") == "3"


def test_a_saved_file_is_taken_up_elsewhere(driver: Any, downloads: Path, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    path = write_page(tmp_path, "c1c1", listeners=2)
    driver.get(path.as_uri())
    driver.find_element("id", "name").send_keys("Søren Ö.")
    driver.find_element("css selector", "#part option[value='2']").click()
    driver.find_element("css selector", "#begin button").click()
    assert shown(driver, "part-count") == "4"
    for text in ("eins", "zwei", "drei"):
        press(driver, text, Keys.ENTER)
    saved = save(driver, downloads)
    assert saved.name == "Søren-Ö--c1c1c1c1.jsonl"
    # Another browser: its store is empty.
    driver.execute_script("localStorage.clear()")
    driver.refresh()
    assert not driver.find_element("id", "known").is_displayed()
    driver.find_element("id", "import").send_keys(str(saved))
    until(driver, "!document.getElementById('work').hidden")
    assert (shown(driver, "done-count"), shown(driver, "part-count")) == ("3", "4")
    assert typed(driver) == "eins"
    press(driver, " eins", Keys.ENTER)
    again = save(driver, downloads)
    assert [json.loads(line)["text"] for line in again.read_text().splitlines()] == [
        "eins eins",
        "zwei",
        "drei",
    ]
    # An older file does not undo newer work; several people share a browser.
    driver.find_element("id", "help-open").click()
    driver.find_element("id", "leave").click()
    assert shown(driver, "known-list") == "Søren Ö.\npart 2, 3 of 4 done"
    driver.find_element("id", "import").send_keys(str(saved))
    until(driver, "!document.getElementById('work').hidden")
    last = save(driver, downloads)
    assert [json.loads(line)["text"] for line in last.read_text().splitlines()] == [
        "eins eins",
        "zwei",
        "drei",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sample": "0" * 32}, "another sample"),
        ({"id": "unknown"}, "another sample"),
        ({"text": None}, "Line 1 is not what this page saves"),
        ({"listener": "somebody else"}, "several people"),
    ],
)
def test_files_of_other_samples_or_people_are_refused(
    driver: Any, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    driver.get(write_page(tmp_path, "d1d1", count=2).as_uri())
    good = {
        "text": "x",
        "unintelligible": False,
        "listener": "Anna",
        "sample": "d1d1" * 8,
        "seconds_spent": 1,
    }
    rows = [
        {"id": f'talk<{number}>&"', "saved_at": "2026-01-01T00:00:00.000Z", **good} for number in range(2)
    ]
    rows[0].update(change)
    (tmp_path / "file.jsonl").write_text("\n".join(map(json.dumps, rows)))
    driver.find_element("id", "import").send_keys(str(tmp_path / "file.jsonl"))
    until(driver, "!document.getElementById('import-problem').hidden")
    assert message in shown(driver, "import-problem")
    assert driver.find_element("id", "start").is_displayed()


def test_the_pipelines_text_is_off_by_default_and_stays_text(driver: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    begin(driver, write_page(tmp_path, "e1e1", count=2), HOSTILE[:50])
    assert typed(driver) == ""
    assert HOSTILE not in driver.find_element("tag name", "body").text
    driver.find_element("id", "help-open").click()
    assert "biases" in shown(driver, "help")
    driver.find_element("id", "prefill").click()
    driver.find_element("id", "help-close").click()
    assert typed(driver) == HOSTILE
    assert "may be wrong" in shown(driver, "prefilled")
    # What was only shown is no answer.
    assert shown(driver, "done-count") == "0"
    alt(driver, "x")
    press(driver, Keys.SHIFT, Keys.ENTER)
    assert typed(driver) == ""
    assert driver.execute_script("return document.querySelectorAll('img, #work script').length") == 0


def test_two_tabs_do_not_undo_each_other(driver: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    path = write_page(tmp_path, "f1f1", count=4)
    begin(driver, path)
    first = driver.current_window_handle
    driver.switch_to.new_window("tab")
    driver.get(path.as_uri())
    press(driver, "from the second tab", Keys.ENTER)
    driver.close()
    driver.switch_to.window(first)
    until(driver, "document.getElementById('text').value === 'from the second tab'")
    driver.execute_script("document.getElementById('grid').children[2].firstChild.click()")
    press(driver, "third", Keys.ENTER)
    driver.refresh()
    assert shown(driver, "done-count") == "2"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_screen_fits_its_window(driver: Any, tmp_path: Path, width: int, scheme: str) -> None:
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    resize(driver, width=width, height=WIDTHS[width])
    path = write_page(tmp_path, f"{scheme[0]}{width}", listeners=2)
    driver.get(path.as_uri())
    assert_fits(driver)
    begin(driver, path, "A-name-without-a-place-to-break-it-that-is-as-long-as-it-gets")
    alt(driver, "x")
    press(driver, "and so on, " * 9)
    driver.execute_script("document.getElementById('all').open = true")
    assert_fits(driver)
    background = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, background[4:-1].split(", "))) < 200) == (scheme == "dark")
    driver.find_element("id", "help-open").click()
    assert_fits(driver)
    driver.find_element("id", "leave").click()
    assert_fits(driver)
    resize(driver, width=1280, height=900)


def assert_fits(driver: Any) -> None:
    """Nothing is wider than the window, and no button's words are cut off or stick out of it."""
    assert not overflows(driver)
    cut_off = driver.execute_script(
        "return [...document.querySelectorAll('button, .button, select, kbd, h1, h2, td')]"
        ".filter((e) => e.offsetParent && (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 ||"
        " e.getBoundingClientRect().right > innerWidth + 1 || e.getBoundingClientRect().left < -1))"
        ".map((e) => e.textContent)"
    )
    assert cut_off == []


def test_every_control_has_a_name(driver: Any, tmp_path: Path) -> None:
    begin(driver, write_page(tmp_path, "a2a2", count=2))
    nodes = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    controls = [
        node
        for node in nodes
        if not node.get("ignored")
        and node["role"]["value"] in ("button", "textbox", "slider", "checkbox", "combobox")
    ]
    assert len(controls) > 10
    assert [node["role"]["value"] for node in controls if not node["name"]["value"].strip()] == []


def test_a_broken_place_is_told_without_clips_and_without_a_store(
    driver: Any, downloads: Path, tmp_path: Path
) -> None:
    from selenium.webdriver.common.keys import Keys

    path = write_page(tmp_path, "b2b2", count=2)
    # A page without an origin of its own has no store, and its clips are not beside it.
    driver.get("data:text/html;base64," + base64.b64encode(path.read_bytes()).decode())
    assert "keeps nothing" in shown(driver, "no-storage")
    driver.find_element("id", "name").send_keys("Anna", Keys.ENTER)
    until(driver, "!document.getElementById('problem').hidden")
    assert "clips/0001.flac cannot be played" in shown(driver, "problem")
    press(driver, "still works", Keys.ENTER)
    saved = save(driver, downloads)
    assert json.loads(saved.read_text())["text"] == "still works"
    (tmp_path / "clips" / "0001.flac").unlink()
    begin(driver, path)
    until(driver, "!document.getElementById('problem').hidden")
    assert "copy the whole folder" in shown(driver, "problem")
