"""The page in a real browser, where one is installed; what it holds, everywhere."""

import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from bench_makers import make_set
from imfuse.bench import BenchResults, plan_bench, run_bench, write_report
from imfuse.bench.contenders import check_name
from imfuse.errors import UsageError

NASTY = "a'b&#35;%41 #2"
SCENES = ["</script><b>1", "2 & 3", 'x"y']


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> BenchResults:
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("page")
    scenes = [name.replace("/", "\u2215") for name in SCENES]
    pairs = make_set(folder / NASTY, scenes, (48, 64))
    plan = plan_bench(
        [pairs, make_set(folder / "other", ["only"], (48, 64), seed=1)],
        ["auif"],
        ["en", "scd", "vif"],
        folder=folder / "out",
        fused=[f"their's={pairs}/ir"],
        command="imfuse bench '</pre><script>'",
    )
    found = run_bench(plan)
    write_report(found)
    return found


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.targets += [value or "" for name, value in attrs if name in ("src", "href")]


def embedded(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found.group(1))
    return data


def test_the_page_asks_for_nothing_beyond_its_folder(results: BenchResults) -> None:
    html = (results.plan.folder / "index.html").read_text(encoding="utf-8")
    links = _Links()
    links.feed(html)
    assert [target for target in links.targets if target not in ("", "data:,")] == []
    assert links.tags.count("script") == 2  # names with markup opened none
    assert "b" not in links.tags
    assert "http://" not in html
    assert "https://" not in html
    assert "<!-- " not in html


def test_every_picture_that_the_page_names_lies_in_the_folder(results: BenchResults) -> None:
    html = (results.plan.folder / "index.html").read_text(encoding="utf-8")
    data = embedded(html)
    assert [one["name"] for one in data["sets"]] == [NASTY, "other"]
    for data_set in data["sets"]:
        for scene in data_set["scenes"]:
            paths = [*scene["sources"], *(made[0] for made in scene["made"].values())]
            assert len(paths) >= 3
            assert all((results.plan.folder / unquote(path)).is_file() for path in paths)
            assert not any(path.startswith(("/", "..")) for path in paths)
    (first, *_) = data["sets"][0]["scenes"]
    row = next(row for row in results.rows if row.scene == first["name"] and row.model == "auif")
    assert first["made"]["auif"][1] == [row.values[key] for key in ("en", "scd", "vif")]


def test_names_that_are_no_folder_names_are_refused() -> None:
    for name in ("", ".", "..", ".hidden", "a/b", "a\\b", "a\nb", "ends.", "a<b", "a:b", 'a"b'):
        with pytest.raises(UsageError):
            check_name(name, "model")
    for name in ("auif", "glp-hs", "Müller 2020", "a+b", "their's", "x(1)"):
        assert check_name(name, "model") == name


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no browser is installed")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Any, results: BenchResults, tmp_path: Path) -> Iterator[Any]:
    """The page, in a folder that was moved and without a network; whatever goes wrong in it fails the test."""
    moved = tmp_path / "moved #1 %41"
    shutil.copytree(results.plan.folder, moved)
    context = browser.new_context(viewport={"width": 390, "height": 800}, offline=True)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("requestfailed", lambda request: wrong.append(request.url))
    page.goto((moved / "index.html").as_uri())
    page.wait_for_function("document.getElementById('over').complete && document.getElementById('under').complete")
    yield page
    assert wrong == []
    context.close()


def text(page: Any, selector: str) -> str:
    return str(page.locator(selector).inner_text())


def chosen(page: Any, identity: str) -> str:
    return str(page.evaluate(f"document.getElementById('{identity}').selectedOptions[0].textContent"))


def edge(page: Any) -> float:
    """Where the border between the two pictures is, as a share of the width."""
    return float(
        page.evaluate(
            "(() => { const s = document.getElementById('stage').getBoundingClientRect();"
            "const e = document.getElementById('seam').getBoundingClientRect();"
            "return ((e.left + e.right) / 2 - s.left) / s.width })()"
        )
    )


def test_both_pictures_are_shown_and_fit_a_phone(opened: Any) -> None:
    sizes = opened.evaluate("['over', 'under'].map(i => document.getElementById(i).naturalWidth)")
    assert sizes == [64, 64]
    assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_slider_moves_by_keyboard_mouse_and_value(opened: Any) -> None:
    assert edge(opened) == pytest.approx(0.5, abs=0.01)
    opened.locator("#frame").focus()
    for _ in range(5):
        opened.keyboard.press("ArrowLeft")
    assert edge(opened) == pytest.approx(0.45, abs=0.01)
    box = opened.locator("#stage").bounding_box()
    opened.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 10)
    opened.mouse.down()
    opened.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 12)
    opened.mouse.up()
    assert edge(opened) == pytest.approx(0.8, abs=0.01)
    opened.locator("#slider").focus()
    opened.keyboard.press("Home")
    assert edge(opened) == pytest.approx(0.0, abs=0.01)


def test_left_of_the_border_is_the_left_picture(opened: Any, tmp_path: Path) -> None:
    """Black against white: what the screen shows on either side."""
    paint = (
        "(side, tone) => { const c = document.createElement('canvas'); c.width = 64; c.height = 48;"
        "const g = c.getContext('2d'); g.fillStyle = tone; g.fillRect(0, 0, 64, 48);"
        "const i = document.getElementById(side); i.src = c.toDataURL(); return i.decode() }"
    )
    opened.evaluate(f"Promise.all([({paint})('over', 'black'), ({paint})('under', 'white')])")
    opened.evaluate("document.querySelectorAll('.tag, #seam').forEach(e => e.remove())")
    from io import BytesIO

    import numpy as np
    from PIL import Image

    shot = np.asarray(Image.open(BytesIO(opened.locator("#stage").screenshot())).convert("L"))
    middle = shot[shot.shape[0] // 2]
    assert middle[int(0.4 * len(middle))] == 0
    assert middle[int(0.6 * len(middle))] == 255


def test_scenes_sets_and_sides_are_chosen_with_their_figures(opened: Any, results: BenchResults) -> None:
    first, second = (row.scene for row in results.rows[:2])
    assert chosen(opened, "scene") == first
    opened.locator("#frame").focus()
    opened.keyboard.press("n")
    assert chosen(opened, "scene") == second
    left = chosen(opened, "left")
    row = next(row for row in results.rows if row.scene == second and row.model == left)
    assert f"{row.values['en']:.3f}" in text(opened, "#figures")
    opened.keyboard.press("x")
    assert chosen(opened, "right") == left
    opened.locator("#left").select_option(label="visible")
    assert opened.locator("#over").get_attribute("alt") == f"visible, scene {second} of {NASTY}"
    opened.locator("#set").select_option(label="other")
    assert chosen(opened, "scene") == "only"
    assert chosen(opened, "left") == "visible"


def test_tables_sort_and_say_so(opened: Any, results: BenchResults) -> None:
    table = opened.locator("table.ranking").first
    names = lambda: table.locator("tbody th").all_inner_texts()  # noqa: E731
    order = [one.model for one in results.standings(results.plan.data_sets[0])]
    assert names() == order
    means = {one.model: one.means["en"] for one in results.standings(results.plan.data_sets[0])}
    head = table.locator("thead th", has_text="en ↑")
    head.locator("button").focus()
    opened.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert names() == sorted(means, key=lambda name: -means[name])
    opened.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert names() == sorted(means, key=lambda name: means[name])
