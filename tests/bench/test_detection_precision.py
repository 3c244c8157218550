import math

import numpy as np
import pytest

from imfuse.detection import AnnotatedObject, Detections, average_precision

pytest.importorskip("pycocotools")


def found(*rows: tuple[float, ...]) -> Detections:
    """Rows of left, top, right, bottom, score, label."""
    table = np.array(rows, np.float64).reshape(-1, 6)
    return Detections(table[:, :4], table[:, 4], table[:, 5].astype(np.int64))


def thing(*box: float, label: str = "person", crowd: bool = False) -> AnnotatedObject:
    return AnnotatedObject(label, box, crowd)  # type: ignore[arg-type]


A, B = (0.0, 0.0, 10.0, 10.0), (50.0, 50.0, 60.0, 70.0)
ELSEWHERE = (30.0, 0.0, 40.0, 10.0)


def test_two_objects_and_a_false_alarm_between_them() -> None:
    # By hand: precisions 1, 1/2, 2/3 at recalls 1/2, 1/2, 1. Interpolated: 1 at the 51 recalls 0 … 0.50, 2/3 at the
    # 50 recalls 0.51 … 1, at every overlap, since the boxes are exact.
    result = average_precision(
        {"a": [thing(*A), thing(*B)]}, {"a": found((*A, 0.9, 0), (*ELSEWHERE, 0.8, 0), (*B, 0.7, 0))}, ["person"]
    )
    assert result.classes[0].average == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert result.classes[0].at_half == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert result.classes[0].objects == 2


def test_a_box_counts_at_the_overlaps_that_it_reaches() -> None:
    # 10×10 against 10×7.2 within it: an overlap of 0.72 reaches 0.50, 0.55 … 0.70, five of ten.
    result = average_precision({"a": [thing(*A)]}, {"a": found((0, 0, 10, 7.2, 0.9, 0))}, ["person"])
    assert (result.mean, result.mean_at_half) == (pytest.approx(0.5), pytest.approx(1.0))


def test_pictures_are_scored_together_and_classes_apart() -> None:
    truth = {"a": [thing(*A)], "b": [thing(*A), thing(*B, label="car")], "c": []}
    seen = {"a": found((*A, 0.9, 0)), "b": found((*B, 0.4, 1)), "c": found((*A, 0.95, 0))}
    result = average_precision(truth, seen, ["person", "car", "bus"])
    person, car, bus = result.classes
    # The false alarm comes first: precision 1/2 at recall 1/2, nothing beyond.
    assert person.average == pytest.approx(51 * 0.5 / 101)
    assert car.average == pytest.approx(1.0)
    assert math.isnan(bus.average)
    assert result.mean == pytest.approx((person.average + 1) / 2)  # what is nowhere to be seen does not count
    assert result.pictures == 3


def test_crowds_need_not_be_found_and_do_no_harm() -> None:
    truth = {"a": [thing(*A), thing(0, 40, 100, 100, crowd=True)]}
    seen = {"a": found((*A, 0.5, 0), (10, 50, 20, 60, 0.9, 0), (70, 50, 80, 60, 0.8, 0))}
    result = average_precision(truth, seen, ["person"])
    assert (result.mean, result.classes[0].objects) == (pytest.approx(1.0), 1)


def test_nothing_found_is_0_and_nothing_there_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert average_precision({"a": [thing(*A)]}, {}, ["person"]).mean == 0
    assert math.isnan(average_precision({"a": []}, {"a": found((*A, 0.9, 0))}, ["person"]).mean)
    assert capsys.readouterr().out == ""  # pycocotools would print


def test_a_second_box_on_one_object_is_a_false_alarm() -> None:
    result = average_precision({"a": [thing(*A), thing(*B)]}, {"a": found((*A, 0.9, 0), (*A, 0.8, 0))}, ["person"])
    assert result.mean == pytest.approx(51 / 101)
