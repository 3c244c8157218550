"""For the tests of detection: a small detector that works, scenes with marked objects, ONNX files of every layout."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imfuse.data.samples import infrared_pair, scene_objects
from imfuse.io import save_image

HEIGHT, WIDTH, STRIDE = 120, 160, 1
ANCHORS = ((14, 30), (6, 14))
"""Width and height in pixels: of the walker of the street and of the person in the dark, at 120×160 pixels."""

NAMES = ("person", "car")


def make_scenes(folder: Path, seeds: Sequence[int] = (0, 1), size: tuple[int, int] = (HEIGHT, WIDTH)) -> Path:
    """The street in infrared and visible, with a COCO file of its people and cars."""
    images, annotations = [], []
    for source in ("ir", "vis"):
        (folder / source).mkdir(parents=True)
    for number, seed in enumerate(seeds, start=1):
        pair = infrared_pair("street", *size, seed)
        save_image(folder / "ir" / f"street{seed}.png", pair.infrared)
        save_image(folder / "vis" / f"street{seed}.png", pair.visible)
        images.append({"id": number, "file_name": f"street{seed}.png", "height": size[0], "width": size[1]})
        for one in scene_objects("street", *size, seed):
            left, top, right, bottom = one.box
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": NAMES.index(one.kind) + 1,
                    "bbox": [left, top, right - left, bottom - top],
                    "iscrowd": 0,
                }
            )
    categories = [{"id": place + 1, "name": name} for place, name in enumerate(NAMES)]
    entries = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(entries), encoding="utf-8")
    return folder


def blob_kernels() -> NDArray[np.float32]:
    """(anchors, 3, k, k): what is within a box minus what is around it, on the mean of the channels."""
    side = 2 * max(map(max, ANCHORS)) + 1
    rows, columns = np.indices((side, side)) - side // 2
    kernels = []
    for width, height in ANCHORS:
        # Bodies fill the middle of their boxes; the ring around is a box of twice the size without the first.
        inner = (abs(columns) <= width / 4) & (abs(rows) <= height / 2)
        ring = (
            (abs(columns) <= width)
            & (abs(rows) <= 0.7 * height)
            & ~((abs(columns) <= width / 2) & (abs(rows) <= height / 2))
        )
        kernels.append(inner / inner.sum() - ring / ring.sum())
    return np.repeat(np.stack(kernels)[:, None], 3, axis=1).astype(np.float32) / 3


def save_blob_detector(path: Path, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Path:
    """A detector of bright, upright blobs in the layout of YOLOv8: (1, 4 + 2, N).

    Scores are how much brighter the middle of a box is than what surrounds it, where that is a local maximum.
    """
    from onnx import TensorProto, helper, numpy_helper

    count = len(ANCHORS)
    h, w = size[0] // STRIDE, size[1] // STRIDE
    kernels = blob_kernels()
    pad = kernels.shape[-1] // 2
    y, x = np.indices((h, w)) * STRIDE + 0.5  # the middle of the pixel
    boxes = np.stack([np.stack([x, y, np.full_like(x, width), np.full_like(x, height)]) for width, height in ANCHORS])
    boxes = boxes.reshape(count, 4, h * w).transpose(1, 0, 2).reshape(1, 4, count * h * w).astype(np.float32)
    cars = np.zeros((1, 1, count * h * w), np.float32)
    flat = np.array([1, 1, count * h * w], np.int64)
    constants = {
        "kernels": kernels,
        "boxes": boxes,
        "cars": cars,
        "flat": flat,
        "rim": np.array([0, 0, pad, pad] * 2, np.int64),
    }
    nodes = [
        helper.make_node("Pad", ["images", "rim"], ["wide"], mode="edge"),  # or the border itself would be a blob
        helper.make_node("Conv", ["wide", "kernels"], ["raw"], strides=[STRIDE] * 2),
        helper.make_node("Clip", ["raw", "zero", "one"], ["score"]),
        helper.make_node("MaxPool", ["score"], ["highest"], kernel_shape=[7, 7], pads=[3] * 4, strides=[1, 1]),
        helper.make_node("GreaterOrEqual", ["score", "highest"], ["peak"]),
        helper.make_node("Where", ["peak", "score", "zero"], ["peaks"]),
        helper.make_node("Reshape", ["peaks", "flat"], ["people"]),
        helper.make_node("Concat", ["boxes", "people", "cars"], ["output0"], axis=1),
    ]
    constants |= {"zero": np.array(0, np.float32), "one": np.array(1, np.float32)}
    given = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, *size])
    made = helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 6, count * h * w])
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    return _saved(
        helper.make_graph(nodes, "blobs", [given], [made], tensors), path, {"names": repr(dict(enumerate(NAMES)))}
    )


def save_fixed_detector(
    path: Path,
    output: NDArray[np.float32],
    metadata: Mapping[str, str],
    shape: Sequence[int | str] = (1, 3, 64, 64),
    kind: str = "FLOAT",
) -> Path:
    """A network that gives out the same whatever it sees (but does look at it)."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["boxes", "nothing"], ["output0"]),
    ]
    tensors = [numpy_helper.from_array(np.array(0, np.float32), "zero"), numpy_helper.from_array(output, "boxes")]
    given = helper.make_tensor_value_info("images", getattr(TensorProto, kind), list(shape))
    made = helper.make_tensor_value_info("output0", TensorProto.FLOAT, list(output.shape))
    return _saved(helper.make_graph(nodes, "fixed", [given], [made], tensors), path, metadata)


def _saved(graph: object, path: Path, metadata: Mapping[str, str]) -> Path:
    import onnx
    from onnx import helper

    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def write_voc(folder: Path, stem: str, objects: Sequence[tuple[str, Sequence[float]]], size: tuple[int, int]) -> None:
    """A file of VOC's form about one picture, as M3FD has them."""
    folder.mkdir(parents=True, exist_ok=True)
    body = "".join(
        f"<object><name>{name}</name><difficult>0</difficult><bndbox><xmin>{box[0]:g}</xmin><ymin>{box[1]:g}</ymin>"
        f"<xmax>{box[2]:g}</xmax><ymax>{box[3]:g}</ymax></bndbox></object>"
        for name, box in objects
    )
    head = f"<size><width>{size[1]}</width><height>{size[0]}</height><depth>3</depth></size>"
    (folder / f"{stem}.xml").write_text(
        f"<annotation><filename>x</filename>{head}{body}</annotation>", encoding="utf-8"
    )


def final_boxes(*rows: Sequence[float]) -> NDArray[np.float32]:
    """The output (1, N, 6) of an end-to-end export: left, top, right, bottom, score, class."""
    return np.array(rows, np.float32).reshape(1, -1, 6)
