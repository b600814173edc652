"""The report of a run over real speech, used in a real browser from the disk."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
from support import corpora
from support.browser import console_errors, open_browser, overflows, requests_off_disk, resize
from support.report_files import REASONS, with_examples, write_run
from support.runs import cli

VIEWS = ("overview", "utterances", "recordings", "failures")


@pytest.fixture(scope="module")
def real_run(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two speakers of 3 minutes each with noisy transcripts, and three entries that cannot be used."""
    folder = tmp_path_factory.mktemp("real")
    lines = []
    for seed, speaker in enumerate(("84", "2902")):
        recording = corpora.build_recording(
            shared_dir / "data" / corpora.DEV_CLEAN,
            recording_id=f"talk-{speaker}",
            speakers=[speaker],
            minutes=3,
        )
        soundfile.write(folder / f"talk-{speaker}.flac", recording.audio_N, recording.sample_rate_hz)
        text = corpora.corrupt(recording, seed=seed).text
        lines.append({"audio_filepath": f"talk-{speaker}.flac", "text": text, "speaker": speaker})
    (folder / "broken.flac").write_bytes(b"no audio at all <b>")
    lines += [
        {"audio_filepath": "broken.flac", "text": "some words"},
        {"audio_filepath": "missing.flac", "text": "some words"},
        {"audio_filepath": "talk-84.flac", "id": "silent", "text": " "},
    ]
    (folder / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    out = folder / "run"
    done = cli(
        "run", str(folder / "manifest.jsonl"), "--out", str(out), "--max-failed", "0.7", "--workers", "1"
    )
    assert f"report: {out}/report.html" in done.stderr
    return out


@pytest.fixture(scope="module")
def driver(real_run: Path) -> Iterator[Any]:
    with open_browser(downloads=real_run) as browser:
        yield browser


def show(driver: Any, run: Path, hash_: str = "") -> None:
    """Load the page anew; its script must have run to the end."""
    driver.get("about:blank")
    driver.get((run / "report.html").as_uri() + hash_)
    wait(driver, "return performance.getEntriesByName('prep-corpus-drawn').length")


def wait(driver: Any, script: str, seconds: float = 60.0) -> Any:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if value := driver.execute_script(script):
            return value
        time.sleep(0.02)
    raise AssertionError(f"this did not become true in {seconds} s: {script}")


def payload(driver: Any) -> Any:
    return driver.execute_script("return JSON.parse(document.getElementById('payload').textContent)")


def column(driver: Any, number: int) -> list[str]:
    script = "return [...document.querySelectorAll('#rows tbody tr')].map(row => row.cells[arguments[0]].textContent)"
    return list(driver.execute_script(script, number))


def test_it_opens_from_the_disk_without_an_error_or_a_request(driver: Any, real_run: Path) -> None:
    console_errors(driver)
    requests_off_disk(driver)
    for view in VIEWS:
        show(driver, real_run, f"#view={view}")
        assert driver.execute_script(f"return document.getElementById('view-{view}').checkVisibility()")
    assert console_errors(driver) == []
    assert requests_off_disk(driver) == []
    data = payload(driver)
    outcome = json.loads((real_run / "outcome.json").read_text())
    assert sum(data["segments"]["kept"]) == outcome["utterances"] > 10
    groups = {example["group"] for example in data["examples"]}
    assert {"worst", "borderline", "untranscribed", "unspoken", *data["segments"]["reason"]} - {""} <= groups
    show(driver, real_run)
    reasons = [
        key.removeprefix("dropped:") for key in outcome["ledgers"]["samples"] if key.startswith("dropped:")
    ]
    for reason in reasons:
        cards = f"return document.querySelectorAll('.reason[data-group=\"{reason}\"] .card').length"
        assert driver.execute_script(cards) > 0, reason


def test_lists_sort_filter_and_search(driver: Any, real_run: Path) -> None:
    show(driver, real_run, "#view=utterances")
    segments = payload(driver)["segments"]
    heading = driver.find_element("css selector", "#rows th[data-sort=seconds]")
    for order, reverse in (("ascending", False), ("descending", True)):
        heading.find_element("css selector", "button").click()
        lengths = [float(length) for length in column(driver, 3)]
        assert lengths == sorted(lengths, reverse=reverse)
        assert heading.get_attribute("aria-sort") == order
    # The commonest reason, and a word that some of its segments hold.
    dropped = [n for n, reason in enumerate(segments["reason"]) if reason]
    reason = max(REASONS, key=segments["reason"].count)
    listed = [n for n in dropped if segments["reason"][n] == reason]
    driver.execute_script(
        "const s = document.getElementById('reason'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))",
        reason,
    )
    assert driver.find_element("id", "count").text.startswith(f"{len(listed)} segment")
    assert all(reason.replace("-", " ") in text for text in column(driver, 6))
    found = {n: segments["text"][n].lower() for n in listed}
    word = max(max(found.values(), key=len).split(), key=len)
    rows = [n for n in listed if word in found[n]]
    assert 0 < len(rows) < len(listed)
    driver.find_element("id", "q").send_keys(word.upper())
    wait(driver, f"return document.getElementById('count').textContent.startsWith('{len(rows)} segment')")
    assert len(column(driver, 6)) == len(rows)
    assert "q=" in driver.current_url
    assert f"reason={reason}" in driver.current_url


def test_a_word_is_played_and_stops_at_its_end(driver: Any, real_run: Path) -> None:
    show(driver, real_run)
    examples = payload(driver)["examples"]
    example = next(one for one in examples if one["group"] == "worst" and one["seconds"] > 2)
    show(driver, real_run, f"#view=utterances&sel={example['key']}")
    number, word = max(enumerate(example["words"]), key=lambda one: one[1][2] - one[1][1])
    player = "document.getElementById('player')"
    # The page notes itself what it plays: a word is over before a busy machine has asked.
    driver.execute_script(
        f"window.heard = []; for (const event of ['playing', 'pause']) "
        f"{player}.addEventListener(event, () => heard.push([event, {player}.currentTime]))"
    )
    driver.find_element("css selector", f"#detail button[data-word='{number}']").click()
    wait(driver, "return heard.length > 1")
    (began, at), (ended, stopped) = driver.execute_script("return heard")
    assert (began, ended) == ("playing", "pause")
    assert at == pytest.approx(word[1], abs=0.05)
    assert stopped == pytest.approx(word[2], abs=0.05)
    played = driver.execute_script(f"return [{player}.played.start(0), {player}.played.end(0)]")
    assert played[0] == pytest.approx(word[1], abs=0.05)
    assert played[1] > word[2] - 0.05
    time.sleep(0.3)
    assert driver.execute_script(f"return {player}.currentTime") == pytest.approx(stopped, abs=0.01)
    assert "log-odds" in driver.find_element("css selector", "#detail .info").text
    # The sound is that of the example, whole; an MP3 ends on a whole frame.
    assert driver.execute_script(f"return {player}.duration") == pytest.approx(example["seconds"], abs=0.05)


def test_a_shared_link_shows_the_same(driver: Any, real_run: Path) -> None:
    show(driver, real_run, "#view=utterances")
    driver.find_element("css selector", "#rows th[data-sort=score] button").click()
    driver.execute_script(
        "const s = document.getElementById('list'); s.value = 'dropped'; s.dispatchEvent(new Event('change'))"
    )
    driver.find_element("id", "q").send_keys("and")
    driver.execute_script("document.querySelectorAll('#rows tbody tr')[1].click()")
    link = driver.current_url
    texts, detail = column(driver, 6), driver.find_element("css selector", "#detail .id").text
    assert texts
    assert detail
    driver.get("about:blank")
    driver.get(link)
    wait(driver, "return document.querySelector('#detail .id')")
    assert column(driver, 6) == texts
    assert driver.find_element("css selector", "#detail .id").text == detail
    assert driver.find_element("id", "list").get_attribute("value") == "dropped"
    driver.back()
    # A link of the page itself leads on, and the way back is kept.
    show(driver, real_run)
    driver.execute_script("document.querySelector('.card a.words').click()")
    wait(driver, "return document.getElementById('view-utterances').checkVisibility()")
    assert driver.find_elements("css selector", "#detail canvas.wave")
    driver.back()
    wait(driver, "return document.getElementById('view-overview').checkVisibility()")


def test_keys_move_choose_and_play(driver: Any, real_run: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    show(driver, real_run)
    body = driver.find_element("tag name", "body")
    body.send_keys("2")
    wait(driver, "return document.getElementById('view-utterances').checkVisibility()")
    driver.execute_script(
        "const s = document.getElementById('list'); s.value = 'audio'; s.dispatchEvent(new Event('change')); s.blur()"
    )
    chosen = []
    for _ in range(2):
        body.send_keys("j")
        chosen.append(driver.find_element("css selector", "#rows tr.chosen").get_attribute("data-id"))
    assert len(set(chosen)) == 2
    body.send_keys(" ")
    wait(driver, "const p = document.getElementById('player'); return !p.paused && p.currentTime > 0.05")
    body.send_keys(Keys.ESCAPE)
    wait(driver, "return document.getElementById('player').paused")
    body.send_keys(Keys.ARROW_RIGHT)
    wait(driver, "return document.querySelector('#detail .words button.selected')")
    body.send_keys("4")
    wait(driver, "return document.getElementById('view-failures').checkVisibility()")
    assert {"broken", "missing", "silent"} == set(
        driver.execute_script(
            "return [...document.querySelectorAll('#letters tbody td.id')].map(c => c.textContent)"
        )
    )


def test_recordings_stand_by_share_kept_each_with_its_strip(driver: Any, real_run: Path) -> None:
    show(driver, real_run, "#view=recordings")
    data = payload(driver)
    shares = [row["share"] for row in sorted(data["recordings"], key=lambda row: row["share"])]
    shown = [float(one.text.split()[0]) for one in driver.find_elements("css selector", "#recordings .share")]
    assert shown == pytest.approx([100 * share for share in shares], abs=0.06)
    colours = driver.execute_script(
        """const strip = document.querySelector('canvas.strip');
        const { data } = strip.getContext('2d').getImageData(0, 0, strip.width, strip.height);
        const counts = {};
        for (let at = 0; at < data.length; at += 4) {
          const key = data.slice(at, at + 3).join();
          counts[key] = (counts[key] || 0) + 4 / data.length;
        }
        return counts;"""
    )
    kept = driver.execute_script(
        "return getComputedStyle(document.querySelector('.dot.c-kept')).backgroundColor"
    )
    key = kept.removeprefix("rgb(").removesuffix(")").replace(" ", "")
    assert colours[key] == pytest.approx(shares[0], abs=0.03)
    driver.find_element("css selector", "#recordings .head").click()
    link = driver.find_element("css selector", "#recordings .more a")
    link.click()
    wait(driver, "return !document.getElementById('rec').hidden")
    driver.back()
    # The middle of a strip leads to the segment there.
    driver.find_element("css selector", "#recordings canvas.strip").click()
    wait(driver, "return document.querySelector('#rows tr.chosen')")
    recording = min(data["recordings"], key=lambda row: row["share"])
    at = data["segments"]["id"].index(
        driver.find_element("css selector", "#rows tr.chosen").get_attribute("data-id")
    )
    assert data["recordingIds"][data["segments"]["recording"][at]] == recording["id"]
    start, seconds = data["segments"]["start"][at], data["segments"]["seconds"][at]
    assert start - 5 < recording["seconds"] / 2 < start + seconds + 5


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_fits_wide_and_narrow_screens_in_light_and_dark(
    real_run: Path, tmp_path: Path, dark: bool
) -> None:
    with open_browser(downloads=tmp_path, dark=dark) as driver:
        show(driver, real_run)
        key = next(one["key"] for one in payload(driver)["examples"] if one["row"] is not None)
        for width in (1280, 390):
            resize(driver, width=width, height=900)
            for view in VIEWS:
                show(driver, real_run, f"#view={view}" + (f"&sel={key}" if view == "utterances" else ""))
                assert not overflows(driver), f"{view} at {width} pixels"
                assert driver.save_screenshot(str(tmp_path / f"{view}-{width}.png"))
        colour = "getComputedStyle(document.body).backgroundColor"
        paper = f"return Math.max(...{colour}.match(/\\d+/g).slice(0, 3))"
        assert (driver.execute_script(paper) < 60) == dark
        for expected in (False, True):  # from what the system says to light, then to dark
            driver.execute_script("document.getElementById('theme').click()")
            assert (driver.execute_script(paper) < 60) == expected
        assert console_errors(driver) == []


def test_a_hundred_hours_open_at_once(tmp_path: Path) -> None:
    from prep_corpus.pipeline.report.page import page
    from prep_corpus.pipeline.report.report import gather_report

    options = write_run(tmp_path, hours=100)
    report = with_examples(gather_report(options), 180)
    assert (report.segments_total, len(report.segments)) == (85_000, 8_000)
    html = page(report)
    (tmp_path / "report.html").write_text(html, encoding="utf-8")
    size_mb = len(html.encode()) / 1e6
    with open_browser(downloads=tmp_path) as driver:
        # CPU time of the page's main thread: the wall clock of a machine that runs tests says little.
        driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        show(driver, tmp_path, "#view=utterances&list=kept&sort=score")
        metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        cpu_seconds = next(one["value"] for one in metrics if one["name"] == "TaskDuration")
        marks = driver.execute_script(
            "return ['interactive', 'drawn'].map(n => performance.getEntriesByName('prep-corpus-' + n)[0].startTime)"
        )
        print(f"{size_mb:.1f} MB, interactive after {marks[0]:.0f} ms, drawn after {marks[1]:.0f} ms, "
              f"CPU of the page so far {1000 * cpu_seconds:.0f} ms")  # fmt: skip
        assert size_mb < 20
        assert cpu_seconds < 2
        assert marks[0] < 60_000
        driver.find_element("id", "q").send_keys("river")
        wait(driver, "return document.querySelectorAll('#rows tbody tr').length === 100")
        deep = report.segments[2500].id
        driver.execute_script(
            "location.hash = new URLSearchParams({view: 'utterances', sel: arguments[0]})", deep
        )
        wait(driver, "return document.querySelector('#rows tr.chosen')")
        assert driver.find_element("css selector", "#rows tr.chosen").get_attribute("data-id") == deep
        assert driver.execute_script("return window.broken") is None
        assert console_errors(driver) == []
        assert requests_off_disk(driver) == []
