import json
from pathlib import Path

import pytest

from detection_makers import write_voc
from imfuse.detection import Annotations, read_annotations
from imfuse.errors import DataError

SIZES = {"a": (60, 80), "b": (60, 80), "c": (37, 41)}
OBJECTS = {
    "a": [("People", (10.0, 20.0, 16.0, 50.0)), ("Car", (40.0, 30.0, 80.0, 60.0))],
    "b": [("Car", (0.0, 0.0, 4.0, 3.0))],
    "c": [],
}
NAMES = ("People", "Car")


def read(folder: Path, place: Path | None = None) -> Annotations:
    return read_annotations(folder, list(SIZES), SIZES.get, place)


def coco(**more: object) -> dict[str, object]:
    images = [
        {"id": place, "file_name": f"frames/{stem}.png", "height": size[0], "width": size[1]}
        for place, (stem, size) in enumerate(SIZES.items())
    ]
    boxes = [
        {"image_id": place, "category_id": NAMES.index(name), "bbox": [x0, y0, x1 - x0, y1 - y0]}
        for place, objects in enumerate(OBJECTS.values())
        for name, (x0, y0, x1, y1) in objects
    ]
    categories = [{"id": place, "name": name} for place, name in enumerate(NAMES)]
    return {"images": images, "annotations": boxes, "categories": categories, **more}


def write_coco(folder: Path, **more: object) -> None:
    (folder / "annotations.json").write_text(json.dumps(coco(**more)))


def write_yolo(folder: Path) -> None:
    (folder / "labels" / "train").mkdir(parents=True)
    (folder / "classes.txt").write_text("People\nCar\n")
    for stem in ("a", "b"):
        h, w = SIZES[stem]
        lines = [
            f"{NAMES.index(name)} {(x0 + x1) / 2 / w} {(y0 + y1) / 2 / h} {(x1 - x0) / w} {(y1 - y0) / h}\n"
            for name, (x0, y0, x1, y1) in OBJECTS[stem]
        ]
        (folder / "labels" / "train" / f"{stem}.txt").write_text("".join(lines))


def write_all_voc(folder: Path) -> None:
    for stem, objects in OBJECTS.items():
        write_voc(folder / "Annotation", stem, objects, SIZES[stem])


@pytest.mark.parametrize(("write", "form"), [(write_coco, "COCO"), (write_yolo, "YOLO"), (write_all_voc, "VOC")])
def test_all_forms_say_the_same(tmp_path: Path, write: object, form: str) -> None:
    write(tmp_path)  # type: ignore[operator]
    found = read(tmp_path)
    assert (found.form, found.notes) == (form, ())
    assert set(NAMES) <= set(found.classes)
    for stem, objects in OBJECTS.items():  # a picture without a file of YOLO's, c, shows nothing
        assert [one.label for one in found.objects[stem]] == [name for name, _ in objects]
        for one, (_, box) in zip(found.objects[stem], objects, strict=True):
            assert one.box == pytest.approx(box)


def test_classes_of_m3fd_have_the_order_of_the_papers_table_and_others_that_of_their_names(tmp_path: Path) -> None:
    write_all_voc(tmp_path)
    assert read(tmp_path).classes == ("People", "Car", "Truck", "Bus", "Lamp", "Motorcycle")
    write_voc(tmp_path / "Annotation", "c", [("zebra", (0, 0, 1, 1))], SIZES["c"])
    assert read(tmp_path).classes == ("Car", "People", "zebra")


def test_names_are_read_from_data_yaml(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    write_yolo(tmp_path)
    (tmp_path / "classes.txt").unlink()
    for names in ("[People, Car]", "\n  0: People\n  1: Car", "\n- People\n- Car"):
        (tmp_path / "data.yaml").write_text(f"train: images\nnames: {names}\n")
        assert read(tmp_path).classes == NAMES
    for wrong in ("names: 3", "names: {0: a, 2: b}", "- a", "names: [a, a]", "a: [", "names: []"):
        (tmp_path / "data.yaml").write_text(wrong)
        with pytest.raises(DataError, match=r"data\.yaml"):
            read(tmp_path)


def test_boxes_beyond_the_picture_are_cut_and_those_outside_left_out_and_told(tmp_path: Path) -> None:
    boxes = [[-5, -5, 15, 15], [70, 50, 50, 50], [90, 10, 5, 5], [3, 3, 0, 5]]
    entries = [{"image_id": 0, "category_id": 0, "bbox": box} for box in boxes]
    write_coco(tmp_path, annotations=entries)
    found = read(tmp_path)
    assert [one.box for one in found.objects["a"]] == [(0, 0, 10, 10), (70, 50, 80, 60)]
    assert "2 boxes reach beyond" in found.notes[0]
    assert "2 boxes without area" in found.notes[1]


def test_annotations_of_pictures_that_are_not_there_are_told(tmp_path: Path) -> None:
    write_all_voc(tmp_path)
    write_voc(tmp_path / "Annotation", "stranger", [("Car", (0, 0, 5, 5))], (10, 10))
    assert "1 annotated pictures are not among the scenes" in read(tmp_path).notes[0]
    only = tmp_path / "only"
    write_voc(only, "stranger", [("Car", (0, 0, 5, 5))], (10, 10))
    with pytest.raises(DataError, match="annotates none of the pictures"):
        read(tmp_path, only)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"annotations": [{"image_id": 9, "category_id": 0, "bbox": [0, 0, 1, 1]}]}, "picture 9"),
        ({"annotations": [{"image_id": [], "category_id": 0, "bbox": [0, 0, 1, 1]}]}, "picture"),
        ({"annotations": [{"image_id": 0, "category_id": 7, "bbox": [0, 0, 1, 1]}]}, "category 7"),
        ({"annotations": [{"image_id": 0, "category_id": 0, "bbox": [0, 0, 1]}]}, "bbox"),
        ({"annotations": [{"image_id": 0, "category_id": 0, "bbox": [0, 0, "1", 1]}]}, "bbox"),
        ({"annotations": [{"image_id": 0, "category_id": 0, "bbox": [0, 0, float("nan"), 1]}]}, "a box"),
        ({"annotations": [{"image_id": 0, "category_id": 0, "bbox": [5, 5, -3, 1]}]}, "a box"),
        ({"annotations": [3]}, "no entry"),
        ({"annotations": {}}, "no COCO file"),
        ({"categories": [{"id": 0, "name": "a"}, {"id": 0, "name": "b"}]}, "id 0"),
        ({"categories": [{"id": 0, "name": "a"}, {"id": 1, "name": "a"}]}, "one name"),
        ({"images": [{"id": 0}]}, "file_name"),
        ({"images": [{"id": 0, "file_name": "a.png", "height": 480, "width": 640}]}, "640×480"),
        ({"images": [{"id": 0, "file_name": "a.png"}, {"id": 1, "file_name": "d/a.jpg"}]}, "already"),
    ],
)
def test_coco_files_that_contradict_themselves_are_refused(tmp_path: Path, more: dict[str, object], told: str) -> None:
    write_coco(tmp_path, **more)
    with pytest.raises(DataError, match=told):
        read(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00", "[" * 100_000])
def test_what_is_no_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "annotations.json").write_text(text)
    with pytest.raises(DataError, match=r"annotations\.json"):
        read(tmp_path)


@pytest.mark.parametrize(
    "line", ["0 0.5 0.5 0.1", "x 0.5 0.5 0.1 0.1", "2 0.5 0.5 0.1 0.1", "0 50 50 10 10", "0 nan 0.5 1 1", "-1 0 0 1 1"]
)
def test_lines_that_are_none_of_yolos_are_refused(tmp_path: Path, line: str) -> None:
    write_yolo(tmp_path)
    (tmp_path / "labels" / "train" / "b.txt").write_text(f"\n{line}\n")
    with pytest.raises(DataError, match=r"b\.txt: line 2"):
        read(tmp_path)


def test_empty_label_files_are_pictures_that_show_nothing(tmp_path: Path) -> None:
    write_yolo(tmp_path)
    (tmp_path / "labels" / "train" / "a.txt").write_text("")
    assert read(tmp_path).objects["a"] == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<annotation>",
        "<html/>",
        "<annotation><object><name>Car</name></object></annotation>",
        "<annotation><object><bndbox/></object></annotation>",
        '<!DOCTYPE x [<!ENTITY a "b">]><annotation/>',
        "<annotation><object><name>Car</name><bndbox><xmin>9</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object></annotation>",
        "<annotation><size><width>10</width><height>10</height></size></annotation>",
    ],
)
def test_files_that_are_none_of_vocs_are_refused(tmp_path: Path, text: str) -> None:
    write_all_voc(tmp_path)
    (tmp_path / "Annotation" / "b.xml").write_text(text)
    with pytest.raises(DataError, match=r"b\.xml"):
        read(tmp_path)


def test_where_annotations_are_missing_or_several_it_is_said_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no annotations"):
        read(tmp_path)
    write_all_voc(tmp_path)
    write_coco(tmp_path)
    with pytest.raises(DataError, match="which are the annotations"):
        read(tmp_path)
    assert read(tmp_path, tmp_path / "annotations.json").form == "COCO"
    (tmp_path / "empty").mkdir()
    for place in ("nowhere", "empty"):
        with pytest.raises(DataError, match=place):
            read(tmp_path, tmp_path / place)


@pytest.mark.parametrize("write", [write_coco, write_yolo, write_all_voc])
def test_marks_of_byte_order_and_capitals_of_endings_change_nothing(tmp_path: Path, write: object) -> None:
    """As Windows' editors and tools write them."""
    write(tmp_path)  # type: ignore[operator]
    plain = read(tmp_path)
    for path in [path for path in tmp_path.rglob("*.*") if path.is_file()]:
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        if path.suffix == ".xml":
            path.rename(path.with_suffix(".XML"))
    marked = read(tmp_path)
    assert (marked.classes, marked.objects) == (plain.classes, plain.objects)


@pytest.mark.parametrize(
    ("key", "index", "entry", "told"),
    [
        ("annotations", 0, {"bbox": [10**400, 1, 2, 3]}, "annotation 1: .* too large"),
        ("categories", 0, {"name": ""}, "name of categories 0 is empty"),
        ("categories", 0, {"name": "\ud800"}, "name of categories 0 is empty or no text"),
        ("images", 1, {"file_name": "\udfff.png"}, "file_name of images 1 is empty or no text"),
    ],
)
def test_what_no_file_of_results_could_hold_is_refused(
    tmp_path: Path, key: str, index: int, entry: dict[str, object], told: str
) -> None:
    entries = coco()
    entries[key][index] |= entry  # type: ignore[index]
    (tmp_path / "annotations.json").write_text(json.dumps(entries))
    with pytest.raises(DataError, match=told):
        read(tmp_path)
