"""IFCNN's released checkpoints: ``IFCNN-MAX.pth``, ``IFCNN-MEAN.pth``, ``IFCNN-SUM.pth``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from imfuse.convert.checkpoints import Checkpoint
from imfuse.convert.released import Part, Released, Translation, filters
from imfuse.io.naming import shown
from imfuse.networks.ifcnn import IFCNN
from imfuse.rules import ADDITION, AVERAGE, MAXIMUM, rule

SCHEMES = {"MAX": MAXIMUM.name, "MEAN": AVERAGE.name, "SUM": ADDITION.name}
"""Words in the names of the released files → the rule that they were trained with."""

TASKS = ("focus", "infrared", "medical", "exposure")


def _translate(files: Sequence[Checkpoint], rule_name: str | None) -> Translation:
    """The names of the entries are those of our network; the rule is not among them."""
    (file,) = files
    notes: tuple[str, ...] = ()
    if rule_name is not None:
        chosen = rule(rule_name, IFCNN.rules).name
    else:
        chosen, why = _rule_of(file)
        notes = (f"rule {chosen}, {why}; the file itself does not tell, and --rule chooses another",)
    # The paper averages exposures, and takes the maximum for everything else.
    tasks = ("exposure", *(name for name in TASKS if name != "exposure")) if chosen == AVERAGE.name else TASKS
    arguments = {"filters": filters(file, "conv1.weight", (3, 7, 7)), "rule_name": chosen}
    return Translation(arguments, dict(file.state), tasks, notes)


def _rule_of(file: Checkpoint) -> tuple[str, str]:
    """The rule that a file was trained with, and how that is known."""
    words = re.findall("[A-Z]+", file.path.stem.upper())
    told = {SCHEMES[word] for word in words if word in SCHEMES}
    if len(told) == 1:
        return told.pop(), f"by the name {shown(file.path.name)}"
    return MAXIMUM.name, "the paper's choice for most tasks"


IFCNN_RELEASED = Released(
    name="IFCNN",
    network="ifcnn",
    paper="Y. Zhang, Y. Liu, P. Sun, H. Yan, X. Zhao, L. Zhang: IFCNN: A general image fusion framework based on "
    "convolutional neural network. Information Fusion 54 (2020)",
    parts=(
        Part(
            "the network (IFCNN-MAX.pth, IFCNN-MEAN.pth or IFCNN-SUM.pth)",
            frozenset({"conv1.weight", "conv2.conv.weight", "conv2.bn.running_var", "conv3.conv.weight", "conv4.bias"}),
        ),
    ),
    translate=_translate,
)
