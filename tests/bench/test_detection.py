import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bench_makers import make_set
from detection_makers import final_boxes, make_scenes, save_blob_detector, save_fixed_detector, write_voc
from imfuse.bench import run_bench
from imfuse.bench.detection import check_detectors, matched, run_detection
from imfuse.bench.detection_plan import plan_detection
from imfuse.bench.detection_report import markdown
from imfuse.bench.detection_store import DetectionStore
from imfuse.bench.published_tables import published_table
from imfuse.bench.store import RESULTS_NAME
from imfuse.cli import app
from imfuse.data.samples import SCENES, scene_objects
from imfuse.data.samples.renderer import render
from imfuse.data.samples.scenes import describe
from imfuse.data.samples.shaders import Targets
from imfuse.detection import Detections
from imfuse.errors import ImfuseError, UsageError

for package in ("onnx", "onnxruntime", "pycocotools"):
    pytest.importorskip(package)

SIZE = (24, 31)
NAMES = {"names": "['person', 'car']"}
OBJECTS = (("People", (2.0, 3.0, 12.0, 20.0)), ("Car", (15.0, 5.0, 30.0, 20.0)))


def run(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["bench", *map(str, arguments)], catch_exceptions=True)
    if isinstance(done.exception, ImfuseError):
        return 2, done.stdout, str(done.exception)
    return done.exit_code, done.stdout, done.stderr


def figures(folder: Path) -> dict[tuple[str, str], float]:
    """(method, class) → AP."""
    with (folder / "detection.csv").open(newline="") as stream:
        return {(row["method"], row["class"]): float(row["ap"] or "nan") for row in csv.DictReader(stream)}


def make_m3fd(folder: Path, names: list[str], folders: tuple[str, str] = ("Ir", "Vis")) -> Path:
    """Pairs in M3FD's layout: Ir/ Vis/ Annotation/, all with the same two objects."""
    make_set(folder, names, SIZE)
    for source, called in zip(("ir", "vis"), folders, strict=True):
        (folder / source).rename(folder / f"{called}_")
        (folder / f"{called}_").rename(folder / called)
    for name in names:
        write_voc(folder / "Annotation", name, OBJECTS, SIZE)
    return folder


def exact_detector(path: Path, score: float = 0.9) -> Path:
    """Finds the objects of `make_m3fd` wherever it looks: its input is 62×62, in which a picture lies 7 rows down."""
    rows = []
    for label, (_, (left, top, right, bottom)) in enumerate(OBJECTS):
        rows.append((2 * left, 2 * top + 7, 2 * right, 2 * bottom + 7, score - 0.1 * label, label))
    return save_fixed_detector(path, final_boxes(*rows), NAMES, (1, 3, 62, 62))


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return make_m3fd(tmp_path / "m3fd", ["00001", "00002", "00003"])


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    return exact_detector(tmp_path / "exact.onnx")


def arguments(pairs: Path, detector: Path | str, out: Path) -> list[object]:
    common = ["--task", "detection", "--models", "average", "--part", "all", "--same-class", "person=People"]
    return [pairs, *common, "--detector", detector, "-o", out]


@pytest.mark.parametrize("scene", SCENES)
def test_boxes_of_sample_scenes_hold_just_what_is_to_be_seen(scene: str) -> None:
    height, width = 91, 120
    found = scene_objects(scene, height, width, 3)
    people = [one for one in found if one.kind == "person"]
    warm = render(describe(scene, height, width, 3), Targets(), height, width)[..., 0] >= 0.5
    held = np.zeros_like(warm)
    for one in people:
        left, top, right, bottom = map(int, one.box)
        part = warm[top:bottom, left:right]
        assert part[[0, -1]].any(axis=1).all()
        assert part[:, [0, -1]].any(axis=0).all()
        held[top:bottom, left:right] = True
    if scene != "table":  # its mug is warm, and no person
        assert held[warm].all()
    assert {one.kind for one in found} == {"street": {"person", "car"}, "garden": {"person"}, "table": set()}[scene]


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished benchmark of two sample scenes with the detector of bright, upright blobs."""
    folder = tmp_path_factory.mktemp("street")
    blobs = save_blob_detector(folder / "blobs.onnx")
    scenes = make_scenes(folder / "street")
    options = ("--task", "detection", "--detector", blobs, "--models", "average,maximum", "-o", folder / "out")
    status, _, told = run(scenes, *options)
    assert (status, "10 pictures" in told or "8 pictures looked at" in told) == (0, True)
    return folder / "out"


def test_people_are_found_by_their_warmth_and_fusing_brings_them_into_the_visible_picture(street: Path) -> None:
    found = figures(street)
    people = {method: value for (method, label), value in found.items() if label == "person"}
    assert people["infrared"] > 0.3
    assert people["visible"] < 0.05
    assert people["visible"] < people["average"] < people["maximum"] < people["infrared"]
    assert {value for (_, label), value in found.items() if label == "car"} == {0}  # it knows no car
    for method in ("visible", "infrared", "average", "maximum"):
        assert found[method, "mean"] == pytest.approx(people[method] / 2)


def test_the_reports_hold_the_table_the_pictures_and_the_page(street: Path) -> None:
    text = (street / "detection.md").read_text()
    assert "2 scenes with 4 person, 2 car (COCO annotations)" in text
    assert f"| infrared | **{figures(street)['infrared', 'person']:.3f}** | 0.000 |" in text
    assert "as printed" not in text  # these are not the classes of M3FD
    page = (street / "index.html").read_text()
    assert "<caption>street: objects found by" in page
    assert "maximum/street0.png" in page
    assert (street / "detection-sheets" / "street.png").is_file()
    assert not (street / "summary.md").exists()  # no metrics were asked for


def test_exact_boxes_give_1_and_the_papers_table_stands_beside(tmp_path: Path, pairs: Path, detector: Path) -> None:
    status, _, told = run(*arguments(pairs, detector, tmp_path / "out"))
    assert status == 0, told
    assert "9 pictures looked at" in told
    known = [value for value in figures(tmp_path / "out").values() if not np.isnan(value)]
    assert known == pytest.approx([1.0] * 9)  # three methods; two classes that there are objects of, and their mean
    text = (tmp_path / "out" / "detection.md").read_text()
    assert "| **average**, measured | 1.000 | 1.000 | – | – | – | – | 1.000 |" in text
    part = published_table("fnet-table2").sets[0]
    for method, values in part.values.items():
        assert f"| {method}, as printed | {' | '.join(map(str, values))} |" in text


def test_what_was_looked_at_is_not_looked_at_again(tmp_path: Path, pairs: Path, detector: Path) -> None:
    options = arguments(pairs, detector, tmp_path / "out")
    run(*options)
    lines = tmp_path / "out" / "detections" / "m3fd" / "average.jsonl"
    before = lines.read_text()
    assert "0 pictures looked at, 9 had been" in run(*options)[2]
    # A killed process leaves half a line: what it was about is looked at again, and nothing else.
    lines.write_text(before[:-30])
    assert "1 pictures looked at, 8 had been" in run(*options)[2]
    assert "0 pictures looked at, 9 had been" in run(*options)[2]
    # Another picture, another detector.
    shutil.copy(pairs / "Vis" / "00001.png", pairs / "Vis" / "00002.png")
    assert "2 pictures looked at, 7 had been" in run(*options)[2]  # visible and what is fused of it
    assert "9 pictures looked at" in run(*options, "--confidence", "0.5")[2]
    assert "0 pictures looked at" in run(*options)[2]  # both are remembered
    assert "9 pictures looked at" in run(*options, "--overwrite")[2]


def test_a_stopped_run_keeps_what_is_done(tmp_path: Path, pairs: Path, detector: Path) -> None:
    same = {"person": "People"}
    plan = plan_detection([pairs], ["average"], detector=str(detector), same=same, part="all", folder=tmp_path / "out")
    bench = run_bench(plan.bench)
    begun: list[str] = []
    results = run_detection(plan, bench, progress=lambda words, done: begun.append(words), stop=lambda: len(begun) == 4)
    assert (results.interrupted, results.made, len(results.standings)) == (True, 4, 1)
    again = run_detection(plan, bench)
    assert (again.interrupted, again.made) == (False, 5)
    assert [one.method.name for one in again.standings] == ["visible", "infrared", "average"]


def test_every_method_may_have_a_detector_of_its_own(tmp_path: Path, pairs: Path) -> None:
    for method in ("visible", "average"):
        (tmp_path / "runs" / method).mkdir(parents=True)
        exact_detector(tmp_path / "runs" / method / "last.onnx")
    status, _, told = run(*arguments(pairs, tmp_path / "runs" / "{method}" / "last.onnx", tmp_path / "out"))
    assert status == 1  # there is none for the infrared pictures, which is told and stops nothing
    assert "failed: m3fd · infrared · 00001: detector" in told
    found = figures(tmp_path / "out")
    assert found["average", "mean"] == pytest.approx(1.0)
    assert np.isnan(found["infrared", "mean"])
    assert run(*arguments(pairs, tmp_path / "nowhere" / "{method}.onnx", tmp_path / "out2"))[0] == 2
    assert not (tmp_path / "out2").exists()  # nothing is fused in vain


def test_a_broken_picture_is_told_and_its_method_is_not_ranked(tmp_path: Path, pairs: Path, detector: Path) -> None:
    (pairs / "Ir" / "00002.png").write_bytes(b"no picture")
    status, _, told = run(*arguments(pairs, detector, tmp_path / "out"))
    assert status == 1
    assert "failed: m3fd · infrared · 00002: " in told
    assert "failed: m3fd · average · 00002: " in told
    text = (tmp_path / "out" / "detection.md").read_text()
    assert "| visible | **1.000**" in text
    assert "| infrared (2 of 3) | 1.000 |" in text
    assert (tmp_path / "out" / RESULTS_NAME).is_file()


def test_pictures_of_another_size_are_compared_in_pixels_of_the_visible_one(tmp_path: Path, pairs: Path) -> None:
    from imfuse.data.whole import read_whole
    from imfuse.io import save_image

    for path in (pairs / "Ir").glob("*.png"):
        save_image(path, np.repeat(np.repeat(read_whole(path), 2, 0), 2, 1), overwrite=True)
    status, _, told = run(*arguments(pairs, exact_detector(tmp_path / "d.onnx"), tmp_path / "out"))
    assert status in (0, 1), told  # whether sources of two sizes are fused is not the question here
    assert figures(tmp_path / "out")["infrared", "mean"] == pytest.approx(1.0)


def test_classes_are_matched_by_name() -> None:
    assert matched(["Person", "CAR"], ["car", "person", "bus"], {}) == {0: 1, 1: 0}
    assert matched(["person", "van", "car"], ["People", "Car"], {"person": "People", "van": "Car"}) == {
        0: 0,
        1: 1,
        2: 1,
    }
    with pytest.raises(UsageError, match="--same-class cat=People"):
        matched(["cat", "dog"], ["People", "Car"], {})
    for wrong in ({"fox": "People"}, {"cat": "Fox"}):
        with pytest.raises(UsageError, match="the detector knows cat, dog"):
            matched(["cat", "dog"], ["People", "Car"], wrong)


def test_a_class_that_the_detector_does_not_know_has_no_figure(tmp_path: Path, pairs: Path, detector: Path) -> None:
    options = [*arguments(pairs, detector, tmp_path / "out")[:-1], tmp_path / "out"]
    place = options.index("--same-class")
    del options[place : place + 2]  # without it the detector's persons are nobody's
    assert run(*options)[0] == 0
    assert "| visible | – | **1.000** | **1.000** | **1.000** |" in (tmp_path / "out" / "detection.md").read_text()


def test_metrics_may_be_computed_beside(tmp_path: Path, pairs: Path, detector: Path) -> None:
    pytest.importorskip("matplotlib")
    assert run(*arguments(pairs, detector, tmp_path / "out"), "--metrics", "en")[0] == 0
    page = (tmp_path / "out" / "index.html").read_text()
    assert page.count('<table class="ranking"') == 2
    assert (tmp_path / "out" / "summary.md").is_file()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--detector-layout", "yolov9"], "--detector-layout"),
        (["--part", "half"], "--part"),
        (["--same-class", "person"], "--same-class"),
        (["--nms-iou", "3"], "suppression"),
        (["--split", "nowhere"], "train.txt"),
        (["--annotations", "nowhere"], "nowhere"),
        (["--export-yolo", "somewhere"], "--detector"),
        (["--fused", "visible=."], "visible"),
    ],
)
def test_options_that_do_not_serve_are_refused(
    tmp_path: Path, pairs: Path, detector: Path, more: list[str], told: str
) -> None:
    if more[1] == "visible=.":
        more = ["--fused", f"visible={pairs / 'Vis'}"]
    status, _, error = run(*arguments(pairs, detector, tmp_path / "out"), *more)
    assert (status, told in error) == (2, True), error
    assert not (tmp_path / "out").exists()


def test_options_of_detection_are_refused_without_it(tmp_path: Path, pairs: Path, detector: Path) -> None:
    status, _, told = run(pairs, "--detector", detector, "--part", "all", "-o", tmp_path / "out")
    assert (status, told) == (2, "--detector, --part: only with --task detection")


def test_list_makes_nothing(tmp_path: Path, pairs: Path, detector: Path) -> None:
    status, shown, _ = run(*arguments(pairs, detector, tmp_path / "out"), "--list")
    assert (status, (tmp_path / "out").exists()) == (0, False)
    assert "9 pictures for detectors" in " ".join(shown.split())


def test_scenes_without_annotations_are_left_out_and_told(tmp_path: Path, pairs: Path, detector: Path) -> None:
    (pairs / "Annotation" / "00003.xml").unlink()
    plan = plan_detection([pairs], ["average"], detector=str(detector), part="all", folder=tmp_path / "out")
    assert plan.remarks["m3fd"] == ("1 scenes without annotations are left out: 00003",)
    assert plan.steps == 6
    with pytest.raises(UsageError, match="has no annotations"):
        plan_detection([pairs], ["average"], detector=str(detector), part="all", folder=tmp_path, scenes=["00003"])


def test_a_store_passes_over_what_it_does_not_know(tmp_path: Path) -> None:
    store = DetectionStore(tmp_path, "set", "m")
    found = Detections(np.array([[1.234567, 2, 3, 4]]), np.array([0.123456789]), np.array([1]))
    kept = store.put("a", "p", "d", found)
    with store.path.open("a") as stream:
        stream.write('{"scene": 3}\n[]\nnull\n{"scene":"b","picture":"p","detector":"d","boxes":[[1,2]]}\n{"sce')
    again = DetectionStore(tmp_path, "set", "m")
    same = again.get("a", "p", "d")
    assert same is not None
    assert np.array_equal(same.boxes, kept.boxes)
    assert np.array_equal(same.scores, kept.scores)
    assert again.get("b", "p", "d") is None
    again.put("b", "p", "d", found)
    assert json.loads(store.path.read_text().splitlines()[-1])["scene"] == "b"


def test_from_python(tmp_path: Path, pairs: Path, detector: Path) -> None:
    plan = plan_detection([pairs], ["average"], detector=str(detector), part="all", folder=tmp_path / "out")
    check_detectors(plan)
    results = run_detection(plan, run_bench(plan.bench))
    (visible, *_) = results.standings
    assert visible.precision is not None
    assert visible.precision.mean == pytest.approx(1.0)
    assert "average" in markdown(results)
    with pytest.raises(UsageError, match="no class in common"):
        check_detectors(replace(plan, options=replace(plan.options, classes=("x", "y"))))


def test_a_scene_whose_visible_picture_is_damaged_is_not_told_as_one_without_annotations(tmp_path: Path) -> None:
    scenes = make_scenes(tmp_path / "set", (0, 1, 2))
    damaged = scenes / "vis" / "street1.png"
    damaged.write_bytes(damaged.read_bytes()[:500])
    for source in ("ir", "vis"):
        shutil.copy(scenes / source / "street0.png", scenes / source / "street9.png")
    plan = plan_detection([scenes], ["average"], folder=tmp_path / "out")
    assert [scene.name for scene in plan.bench.data_sets[0].scenes] == ["street0", "street2"]
    words = " | ".join(plan.remarks["set"])
    assert "1 scenes whose visible picture cannot be read are left out: street1" in words
    assert "1 scenes without annotations are left out: street9" in words
