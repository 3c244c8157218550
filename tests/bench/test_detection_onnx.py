import sys
from pathlib import Path

import numpy as np
import pytest

from detection_makers import final_boxes, save_fixed_detector
from imfuse.detection import DetectorOptions, open_detector
from imfuse.errors import ImfuseError, MissingExtraError, UsageError, WeightsError

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

NAMES = {"names": "{0: 'person', 1: 'car'}"}
BOXES = final_boxes((8, 16, 24, 48, 0.9, 0), (32, 32, 64, 48, 0.5, 1), (0, 0, 64, 64, 0.2, 7), (0, 0, 0, 0, 0, 0))


def picture(height: int = 60, width: int = 80) -> np.ndarray:
    return np.full((height, width, 3), 90, np.uint8)


@pytest.mark.parametrize("kind", ["FLOAT", "FLOAT16", "UINT8"])
@pytest.mark.parametrize("shape", [(1, 3, 64, 64), ("batch", 3, "height", "width")])
def test_boxes_come_back_in_pixels_of_the_picture(tmp_path: Path, shape: tuple[int, ...], kind: str) -> None:
    path = save_fixed_detector(tmp_path / "d.onnx", BOXES, NAMES, shape, kind)
    detector = open_detector(str(path), DetectorOptions(size=64))
    found = detector.detect(picture(128, 256))  # a quarter of the size, 16 rows of ground above and below
    assert detector.names == ("person", "car")
    assert found.boxes.tolist() == [[32, 0, 96, 128], [128, 64, 256, 128]]
    assert found.labels.tolist() == [0, 1]  # there is no class 7
    assert found.scores == pytest.approx([0.9, 0.5], abs=1e-6)


def test_names_are_read_as_exporters_write_them_or_given(tmp_path: Path) -> None:
    for names in ("{0: 'person', 1: 'car'}", "['person', 'car']", '["person", "car"]', '{"0": "person", "1": "car"}'):
        path = save_fixed_detector(tmp_path / "d.onnx", BOXES, {"names": names})
        assert open_detector(str(path)).names == ("person", "car")
    assert open_detector(str(path), DetectorOptions(classes=("a", "b"))).names == ("a", "b")
    for names in ("", "person", "{0: 'a', 2: 'b'}", "[1, 2]", "__import__('os')", "[]", "(" * 500):
        path = save_fixed_detector(tmp_path / "d.onnx", BOXES, {"names": names})
        with pytest.raises(UsageError, match="--classes"):
            open_detector(str(path))


def test_the_size_is_the_files_or_the_options_and_640_where_nobody_tells(tmp_path: Path) -> None:
    free = (1, 3, "height", "width")
    full = final_boxes((0, 0, 320, 320, 0.9, 0))
    told = save_fixed_detector(tmp_path / "told.onnx", full, {**NAMES, "imgsz": "[320, 320]"}, free)
    assert open_detector(str(told)).detect(picture(10, 10)).boxes.tolist() == [[0, 0, 10, 10]]
    untold = save_fixed_detector(tmp_path / "untold.onnx", full, NAMES, free)
    assert open_detector(str(untold)).detect(picture(10, 10)).boxes.tolist() == [[0, 0, 5, 5]]
    fixed = save_fixed_detector(tmp_path / "fixed.onnx", full, NAMES)
    with pytest.raises(UsageError, match="64×64"):
        open_detector(str(fixed), DetectorOptions(size=320))


def test_what_lies_on_better_boxes_goes_where_the_network_left_it(tmp_path: Path) -> None:
    cells = np.zeros((1, 6, 10), np.float32)
    cells[0, :, :3] = np.array([[32, 32, 20, 20, 0.9, 0], [33, 32, 20, 20, 0.8, 0], [32, 33, 20, 20, 0, 0.7]]).T
    path = save_fixed_detector(tmp_path / "d.onnx", cells, NAMES)
    assert open_detector(str(path)).detect(picture(64, 64)).scores == pytest.approx([0.9, 0.7])
    loose = open_detector(str(path), DetectorOptions(suppression=1.0, confidence=0.75))
    assert loose.detect(picture(64, 64)).scores == pytest.approx([0.9, 0.8])


def test_a_fingerprint_changes_with_all_that_changes_results(tmp_path: Path) -> None:
    path = save_fixed_detector(tmp_path / "d.onnx", BOXES, NAMES)
    options = [DetectorOptions(), DetectorOptions(confidence=0.1), DetectorOptions(suppression=0.5)]
    options += [DetectorOptions(classes=("x", "y"))]
    prints = [open_detector(str(path), one).fingerprint for one in options]
    save_fixed_detector(path, BOXES + 1, NAMES)
    prints.append(open_detector(str(path)).fingerprint)
    assert len(set(prints)) == len(prints)
    assert open_detector(str(path)).fingerprint == prints[-1]


@pytest.mark.parametrize(
    ("output", "shape", "metadata"),
    [
        (np.zeros((1, 38, 10), np.float32), (1, 3, 64, 64), NAMES),  # a segmenting network of two classes
        (np.zeros((1, 10), np.float32), (1, 3, 64, 64), NAMES),  # a classifying one
        (BOXES, (2, 3, 64, 64), NAMES),
        (BOXES, (1, 1, 64, 64), NAMES),
        (BOXES, (1, 64, 64, 3), NAMES),
        (BOXES, (3, 64, 64), NAMES),
    ],
)
def test_networks_of_another_form_are_refused(
    tmp_path: Path, output: np.ndarray, shape: tuple[int, ...], metadata: dict[str, str]
) -> None:
    path = save_fixed_detector(tmp_path / "other.onnx", output, metadata, shape)
    with pytest.raises(WeightsError, match=r"other\.onnx"):
        open_detector(str(path))


@pytest.mark.parametrize("damage", [b"", b"no network", None])
def test_damaged_files_are_refused(tmp_path: Path, damage: bytes | None) -> None:
    path = save_fixed_detector(tmp_path / "damaged.onnx", BOXES, NAMES)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] if damage is None else damage)
    with pytest.raises(WeightsError, match=r"damaged\.onnx") as told:
        open_detector(str(path))
    assert "\n" not in str(told.value)


def test_what_is_no_detector_is_refused(tmp_path: Path) -> None:
    for reference in ("nowhere.onnx", "yolo", str(tmp_path), "torchvision:no_such_detector"):
        with pytest.raises(UsageError):
            open_detector(reference)
    with pytest.raises(UsageError, match="confidence"):
        DetectorOptions(confidence=2)


def test_what_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_fixed_detector(tmp_path / "d.onnx", BOXES, NAMES)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"imfuse\[detect\]"):
        open_detector(str(path))
    monkeypatch.setitem(sys.modules, "ultralytics", None)
    (tmp_path / "d.pt").write_bytes(b"")
    with pytest.raises(ImfuseError, match="pip install ultralytics"):
        open_detector(str(tmp_path / "d.pt"))
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(ImfuseError, match="pip install torchvision"):
        open_detector("torchvision:fasterrcnn_resnet50_fpn")


def save_graph(path: Path, takes_picture: bool) -> Path:
    """A network without any input, or one that gives out texts."""
    from onnx import TensorProto, helper, save

    kind = TensorProto.STRING if takes_picture else TensorProto.FLOAT
    values = [b"a"] * 6 if takes_picture else [0.0] * 6
    inputs = [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 64, 64])] if takes_picture else []
    made = helper.make_tensor_value_info("boxes", kind, [1, 1, 6])
    nodes = [helper.make_node("Identity", ["values"], ["boxes"])]
    graph = helper.make_graph(nodes, "g", inputs, [made], [helper.make_tensor("values", kind, [1, 1, 6], values)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, NAMES)
    save(model, str(path))
    return path


def test_networks_without_an_input_or_with_texts_are_no_detectors(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"one input .* this file has none"):
        open_detector(str(save_graph(tmp_path / "d.onnx", takes_picture=False)))
    with pytest.raises(WeightsError, match="is not any of"):
        open_detector(str(save_graph(tmp_path / "d.onnx", takes_picture=True)))


def test_sizes_that_no_memory_holds_are_refused(tmp_path: Path) -> None:
    for side in (0, 1 << 20):
        path = save_fixed_detector(tmp_path / "d.onnx", BOXES, NAMES, (1, 3, side, 64))
        with pytest.raises(WeightsError, match="a side of 1 to 16384"):
            open_detector(str(path))
    with pytest.raises(UsageError, match="from 1 to 16384"):
        DetectorOptions(size=10**9)
    path = save_fixed_detector(tmp_path / "d.onnx", BOXES, NAMES | {"imgsz": "True"}, (1, 3, "h", "w"))
    assert len(open_detector(str(path)).detect(picture(640, 640))) == 2


@pytest.mark.filterwarnings("error")
def test_labels_that_are_no_numbers_of_classes_are_left_out(tmp_path: Path) -> None:
    rows = [(8, 16, 24, 48, 0.9, label) for label in (np.nan, np.inf, 1e30, -1, 0)]
    path = save_fixed_detector(tmp_path / "d.onnx", final_boxes(*rows), NAMES)
    assert open_detector(str(path)).detect(picture(64, 64)).labels.tolist() == [0]
