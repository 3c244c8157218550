from pathlib import Path

import numpy as np
import pytest
from test_detection import OBJECTS, SIZE, figures, make_m3fd, run

from imfuse.data.whole import read_whole
from imfuse.detection import read_annotations
from imfuse.detection.split import find_split, seeded_split
from imfuse.errors import DataError
from imfuse.io import save_image

STEMS = [f"{number:05}" for number in range(8)]


def export(pairs: Path, out: Path, folder: Path, *more: object) -> tuple[int, str, str]:
    return run(pairs, "--task", "detection", "--export-yolo", folder, "--models", "average", "-o", out, *more)


def test_the_papers_split_has_3800_and_400() -> None:
    names = [f"{number:05}" for number in range(4200)]
    split = seeded_split(names)
    assert (len(split.train), len(split.test)) == (3800, 400)
    assert sorted((*split.train, *split.test)) == names
    assert seeded_split(names[::-1]).test == split.test[::-1]  # whatever the order of the names
    assert seeded_split(names, 1).test != split.test
    assert "not the paper's" in split.words
    for count in (2, 3, 10, 21, 22):
        small = seeded_split(names[:count])
        assert small.train
        assert small.test
    with pytest.raises(DataError):
        seeded_split(["one"])


@pytest.mark.parametrize("place", [".", "meta"])
def test_lists_beside_the_pictures_are_the_split(tmp_path: Path, place: str) -> None:
    (tmp_path / place).mkdir(exist_ok=True)
    (tmp_path / place / "train.txt").write_text("00001.png\n./images/00003.jpg\n\nstranger\n")
    (tmp_path / place / "val.txt").write_text("C:\\data\\00002.png\n")
    split = find_split(tmp_path, STEMS)
    assert split is not None
    assert (split.train, split.test) == (("00001", "00003"), ("00002",))
    for text, told in (("00001\n", "in both"), ("", "none of the scenes"), ("nobody\n", "none of the scenes")):
        (tmp_path / place / "val.txt").write_text(text)
        with pytest.raises(DataError, match=told):
            find_split(tmp_path, STEMS)
    (tmp_path / place / "val.txt").unlink()
    assert find_split(tmp_path, STEMS) is None


def test_m3fd_is_written_out_per_method_with_one_split_and_read_again(tmp_path: Path) -> None:
    pairs, folder = make_m3fd(tmp_path / "M3FD", STEMS), tmp_path / "yolo"
    status, _, told = export(pairs, tmp_path / "out", folder)
    assert (status, "24 pictures written" in told) == (0, True), told
    lists = {part: (folder / f"{part}.txt").read_text().split() for part in ("train", "val")}
    assert sorted(lists["train"] + lists["val"]) == STEMS
    for method in ("visible", "infrared", "average"):
        for part, stems in lists.items():
            images = sorted((folder / method / "images" / part).iterdir())
            labels = sorted((folder / method / "labels" / part).iterdir())
            assert [path.stem for path in images] == [path.stem for path in labels] == sorted(stems)
    for stem in lists["val"]:
        written = folder / "visible" / "images" / "val" / f"{stem}.png"
        assert written.read_bytes() == (pairs / "Vis" / f"{stem}.png").read_bytes()
        fused = tmp_path / "out" / "pictures" / "M3FD" / "average" / f"{stem}.png"
        assert np.array_equal(read_whole(folder / "average" / "images" / "val" / f"{stem}.png"), read_whole(fused))
    again = read_annotations(folder / "average", STEMS, lambda stem: SIZE if stem in STEMS else None)
    assert (again.form, again.classes) == ("YOLO", ("People", "Car", "Truck", "Bus", "Lamp", "Motorcycle"))
    for stem in STEMS:
        assert [one.label for one in again.objects[stem]] == [name for name, _ in OBJECTS]
        for one, (_, box) in zip(again.objects[stem], OBJECTS, strict=True):
            assert one.box == pytest.approx(box, abs=1e-4)


def test_the_readme_has_the_training_of_the_paper(tmp_path: Path) -> None:
    pairs, folder = make_m3fd(tmp_path / "my M3FD", STEMS[:3]), tmp_path / "yolo sets"
    assert export(pairs, tmp_path / "out", folder)[0] == 0
    text = (folder / "README.md").read_text()
    for option in ("--optimizer SGD", "--epochs 100", "--batch-size 16", "lr0: 0.01"):
        assert option in text
    assert f"'{folder}'/\"$method\"/data.yaml" in text
    assert "a draw with seed 0" in text
    assert f'path: "{folder / "visible"}"' in (folder / "visible" / "data.yaml").read_text()


def test_an_export_goes_on_and_never_mixes_splits(tmp_path: Path) -> None:
    pairs, folder, out = make_m3fd(tmp_path / "M3FD", STEMS[:4]), tmp_path / "yolo", tmp_path / "out"
    export(pairs, out, folder)
    assert "0 pictures written, 12 were there" in export(pairs, out, folder)[2]
    next((folder / "average" / "images" / "train").iterdir()).unlink()
    assert "1 pictures written, 11 were there" in export(pairs, out, folder)[2]
    (pairs / "train.txt").write_text("00000\n00001\n")
    (pairs / "val.txt").write_text("00002\n00003\n")
    status, _, told = export(pairs, out, folder)
    assert (status, "holds another split" in told) == (2, True)
    assert export(pairs, out, tmp_path / "yolo2")[0] == 0
    assert (tmp_path / "yolo2" / "val.txt").read_text() == "00002\n00003\n"
    for taken in (pairs, out):
        assert export(pairs, out, taken)[0] == 2


def test_pictures_that_yolo_cannot_read_become_png_of_8_bits(tmp_path: Path) -> None:
    pairs, folder = make_m3fd(tmp_path / "M3FD", STEMS[:2]), tmp_path / "yolo"
    ramp = np.linspace(20000, 21000, SIZE[0] * SIZE[1]).reshape(SIZE).astype(np.uint16)
    for stem in STEMS[:2]:
        save_image(pairs / "Ir" / f"{stem}.png", ramp, overwrite=True)
    assert export(pairs, tmp_path / "out", folder)[0] == 0
    for path in (folder / "infrared" / "images").rglob("*.png"):
        pixels = read_whole(path)
        assert (pixels.dtype, int(pixels.min()), int(pixels.max())) == (np.uint8, 0, 255)


def test_a_broken_picture_is_told_and_has_no_labels(tmp_path: Path) -> None:
    pairs, folder = make_m3fd(tmp_path / "M3FD", STEMS[:3]), tmp_path / "yolo"
    (pairs / "Ir" / "00001.png").write_bytes(b"no picture")
    status, _, told = export(pairs, tmp_path / "out", folder)
    assert status == 1
    assert "failed: infrared · 00001: " in told
    assert not list((folder / "infrared" / "labels").rglob("00001.txt"))
    assert list((folder / "visible" / "labels").rglob("00001.txt"))


def test_the_exported_split_is_what_detectors_are_tested_on(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("pycocotools")
    from test_detection import exact_detector

    pairs, folder, out = make_m3fd(tmp_path / "M3FD", STEMS[:4]), tmp_path / "yolo", tmp_path / "out"
    export(pairs, out, folder, "--seed", "5")
    detector = exact_detector(tmp_path / "exact.onnx")
    options = ("--task", "detection", "--detector", detector, "--models", "average", "-o", out)
    status, _, told = run(pairs, *options, "--split", folder)
    assert (status, "3 pictures looked at" in told) == (0, True), told
    assert figures(out)["average", "Car"] == pytest.approx(1.0)
    (tested,) = (folder / "val.txt").read_text().split()
    assert f'"scene":"{tested}"' in (out / "detections" / "M3FD" / "average.jsonl").read_text()
    assert "the test part: 1 of 4 scenes" in (out / "detection.md").read_text()
