"""What stands beside exported training sets: where they are from, and the commands of the paper."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from imfuse.data.sets import DataSet
from imfuse.detection.split import Split

_PAPER = (
    "G. Panda, S. Kundu, S. Bhattacharya, A. Routray: l0-Regularized Sparse Coding-based Interpretable Network for "
    "Multi-Modal Image Fusion, arXiv:2411.04519, Section IV-D"
)


def readme(
    data_set: DataSet,
    folder: Path,
    methods: Sequence[str],
    split: Split,
    counts: Mapping[str, int],
    remarks: Sequence[str],
    options: Sequence[str],
) -> str:
    """The README of an export.

    Args:
        data_set: what was exported.
        folder: where it is.
        methods: their names.
        split: of the data set.
        counts: scenes of the parts ``train`` and ``val``.
        remarks: what was cut, dropped or left out.
        options: of the command line, by which the same pictures are compared.
    """
    place = folder.resolve()
    lines = [f"# {data_set.name} for YOLO", ""]
    lines += [f"{counts['train']} pictures for training and {counts['val']} for testing, by {split.words}.", ""]
    lines += ["One folder per method, all with the same labels:", ""]
    lines += [
        f"- `{method}/`: `data.yaml`, `images/train`, `images/val`, `labels/train`, `labels/val`" for method in methods
    ]
    lines += ["", "`data.yaml` holds the absolute path of its folder; change it if the folder is moved."]
    lines += ["", *(f"- {words}" for words in remarks), ""] if remarks else [""]
    lines += ["## Training", "", *_training(place, methods), "## Testing", "", *_testing(data_set, place, options)]
    return "\n".join(lines).rstrip() + "\n"


def _training(place: Path, methods: Sequence[str]) -> list[str]:
    return [
        f"The paper ({_PAPER}) trains YOLOv5 on the pictures of every method with SGD, 100 epochs, batches of 16 and "
        "an initial learning rate of 10⁻². In a checkout of https://github.com/ultralytics/yolov5:",
        "",
        "```sh",
        f"for method in {shlex.join(methods)}; do",
        f'  python train.py --data {shlex.quote(str(place))}/"$method"/data.yaml --weights yolov5s.pt --img 640 \\',
        '    --optimizer SGD --epochs 100 --batch-size 16 --hyp data/hyps/hyp.scratch-low.yaml --name "$method"',
        '  python export.py --weights runs/train/"$method"/weights/last.pt --include onnx --img 640',
        "done",
        "```",
        "",
        "`hyp.scratch-low.yaml` has `lr0: 0.01`. The paper does not tell the size of the network, the size of its "
        "input nor whether it began with weights of COCO: `yolov5s.pt` and 640 are YOLOv5's usual choice. `best.pt` is "
        "chosen on the test part, which flatters it; `last.pt` is not.",
        "",
    ]


def _testing(data_set: DataSet, place: Path, options: Sequence[str]) -> list[str]:
    return [
        "Every method's pictures are shown to the detector that was trained on them:",
        "",
        "```sh",
        f"imfuse bench {shlex.quote(str(data_set.folder))} --task detection --split {shlex.quote(str(place))} \\",
        f"  --detector 'runs/train/{{method}}/weights/last.onnx' {shlex.join(options)}",
        "```",
        "",
    ]
