import numpy as np
import pytest

from imfuse.detection.boxes import Detections, overlap, suppress
from imfuse.detection.letterbox import GROUND, letterbox
from imfuse.detection.yolo_outputs import decode, find_layout


def some(count: int, seed: int = 0, classes: int = 2) -> Detections:
    generator = np.random.default_rng(seed)
    corners = generator.uniform(0, 40, (count, 2))
    boxes = np.concatenate([corners, corners + generator.uniform(1, 25, (count, 2))], axis=1)
    return Detections(boxes, generator.uniform(0, 1, count), generator.integers(0, classes, count))


def test_overlap_is_the_share_of_pixels() -> None:
    # Brute force: whole boxes, counted pixel by pixel.
    generator = np.random.default_rng(3)
    corners = generator.integers(0, 12, (30, 2))
    boxes = np.concatenate([corners, corners + generator.integers(0, 9, (30, 2))], axis=1).astype(np.float64)

    def mask(box: np.ndarray) -> np.ndarray:
        left, top, right, bottom = box.astype(int)
        area = np.zeros((24, 24), bool)
        area[top:bottom, left:right] = True
        return area

    for box in boxes[:6]:
        pairs = [(mask(box) & mask(other), mask(box) | mask(other)) for other in boxes]
        counted = [both.sum() / any_.sum() if any_.any() else 0.0 for both, any_ in pairs]
        assert np.allclose(overlap(box, boxes), counted)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.6, 1.0])
def test_what_stays_is_what_the_definition_says(threshold: float) -> None:
    found = some(60)
    kept: list[int] = []
    for place in np.argsort(-found.scores, kind="stable"):
        rivals = [other for other in kept if found.labels[other] == found.labels[place]]
        if all(overlap(found.boxes[other], found.boxes[[place]])[0] <= threshold for other in rivals):
            kept.append(int(place))
    done = suppress(found, threshold, 300)
    assert np.array_equal(done.boxes, found.boxes[kept])
    assert np.array_equal(done.scores, found.scores[kept])
    assert len(suppress(found, threshold, 5)) == 5


def test_nothing_is_suppressed_where_nothing_is_found() -> None:
    nothing = suppress(some(0), 0.5, 10)
    assert (nothing.boxes.shape, len(nothing)) == ((0, 4), 0)


@pytest.mark.parametrize("size", [(37, 91), (640, 480), (1, 500), (64, 64), (9, 9)])
def test_boxes_of_the_input_lie_in_the_picture_where_they_were_drawn(size: tuple[int, int]) -> None:
    h, w = size
    pixels = np.zeros((h, w, 3), np.uint8)
    given, placed = letterbox(pixels, 64, 96)
    inside = (given != GROUND).any(axis=2)
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    whole = np.array([[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]], np.float64)
    back = placed.back(Detections(whole, np.ones(1), np.zeros(1, np.int64)))
    assert np.allclose(back.boxes, [[0, 0, w, h]])
    # What lies on the ground beside it is in no picture.
    outside = Detections(np.array([[-9.0, -9.0, -1.0, -1.0]]), np.ones(1), np.zeros(1, np.int64))
    assert len(placed.back(outside)) == 0


def test_all_layouts_say_the_same() -> None:
    boxes = np.array([[10, 20, 30, 60], [5, 5, 9, 7], [0, 0, 50, 50]], np.float64)
    scores, labels = np.array([0.9, 0.4, 0.2]), np.array([2, 0, 1])
    centred = np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)
    per_class = np.zeros((3, 3))
    per_class[np.arange(3), labels] = scores
    objectness = np.full((3, 1), 0.8)
    v8 = np.concatenate([centred, per_class], axis=1).T[None]
    v5 = np.concatenate([centred, objectness, per_class / 0.8], axis=1)[None]
    final = np.concatenate([boxes, scores[:, None], labels[:, None]], axis=1)
    v7 = np.concatenate([np.zeros((3, 1)), boxes, labels[:, None], scores[:, None]], axis=1)
    for output, layout in (
        (v8, "yolov8"),
        (v5, "yolov5"),
        (final[None], "end-to-end"),
        (final, "end-to-end"),
        (v7, "end-to-end"),
    ):
        assert find_layout(output.shape, 3) == layout
        found = decode(output, layout, 0.3).best(9)  # type: ignore[arg-type]
        assert np.allclose(found.boxes, boxes[:2])
        assert np.allclose(found.scores, scores[:2])
        assert found.labels.tolist() == [2, 0]


def test_a_cell_gives_a_box_for_every_class_that_reaches_it() -> None:
    output = np.array([[5, 5, 4, 4, 0.5, 0.4, 0.01]], np.float64).T[None]
    assert decode(output, "yolov8", 0.1).labels.tolist() == [0, 1]


def test_numbers_that_are_none_and_boxes_without_area_are_left_out() -> None:
    rows = [[0, 0, 5, 5, 0.9, 0], [0, 0, np.nan, 5, 0.9, 0], [3, 3, 3, 9, 0.9, 0], [0, 0, 5, 5, np.inf, 0], [0] * 6]
    assert len(decode(np.array(rows)[None], "end-to-end", 0.001)) == 1
    assert len(decode(np.array([[0, 0, 5, 5, 0.9, np.nan]]), "end-to-end", 0.001)) == 0


@pytest.mark.parametrize(
    ("shape", "classes", "asked", "layout"),
    [
        ((1, 25200, 85), 80, None, "yolov5"),
        ((1, 84, 8400), 80, None, "yolov8"),
        ((1, 116, 8400), 80, None, None),  # a segmenting network
        ((1, 300, 6), 80, None, "end-to-end"),
        ((1, 300, 6), 1, None, "end-to-end"),
        ((1, 25200, 6), 1, None, "yolov5"),
        ((1, 300, 6), 1, "yolov5", "yolov5"),
        ((1, 25200, 85), 80, "yolov8", None),
        ((2, 84, 8400), 80, None, None),
        ((1, 3, 80, 80, 85), 80, None, None),
        ((17, 7), 80, None, "end-to-end"),
        ((1000,), 80, None, None),
    ],
)
def test_the_layout_is_told_by_the_shape(
    shape: tuple[int, ...], classes: int, asked: str | None, layout: str | None
) -> None:
    assert find_layout(shape, classes, asked) == layout  # type: ignore[arg-type]
