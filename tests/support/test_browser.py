"""The browser of the tests sees what it is there to see."""

from __future__ import annotations

from pathlib import Path

from support.browser import console_errors, open_browser, overflows, requests_off_disk, resize


def test_a_faulty_page_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        "<!doctype html><meta charset=utf-8><title>t</title><div style='width:700px'>x</div>"
        "<script>console.error('oh'); fetch('http://127.0.0.1:9/x').catch(() => {})</script>"
    )
    with open_browser(downloads=tmp_path, width=1280) as driver:
        driver.get(page.as_uri())
        assert not overflows(driver)
        resize(driver, width=390, height=800)
        assert overflows(driver)
        assert any("oh" in line for line in console_errors(driver))
        assert requests_off_disk(driver) == ["http://127.0.0.1:9/x"]
