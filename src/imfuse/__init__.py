"""Fuse pictures of one scene from different sensors, exposures or focus into one.

>>> import imfuse
>>> result = imfuse.fuse(["thermal.png", "visible.png"])  # doctest: +SKIP
>>> result.save("fused.png")  # doctest: +SKIP

The public surface is what stands here. torch and the file readers are imported when they are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imfuse.fuser import Fuser
    from imfuse.registry import ModelCard, ModelKind
    from imfuse.result import FusionResult

__version__ = "0.1.0"
__all__ = ["__version__", "fuse", "list_models", "load"]


def fuse(
    sources: Sequence[Any],
    task: str = "infrared",
    model: str | Path | None = None,
    *,
    rule: str | None = None,
    base_rule: str | None = None,
    detail_rule: str | None = None,
    fast: bool = False,
    device: str = "cpu",
    **options: Any,
) -> FusionResult:
    """Fuse the pictures of one scene into one, or sharpen bands by a guide.

    Args:
        sources: paths, arrays (H, W) or (H, W, C), PIL images, or tensors (C, H, W) or (B, C, H, W), in the task's
            order: infrared, then visible; CT, PET or SPECT, then MRI; a stack of any order; low-resolution bands, then
            their guide (no PIL images).
        task: ``infrared``, ``medical``, ``focus``, ``exposure`` or ``spectral``.
        model: name of a built-in model (see :func:`list_models`) or path of a ``.safetensors`` file with its card;
            by default the task's, and of ``spectral`` the best one for the pair.
        rule: fusion rule, for models where it can be chosen.
        base_rule: fusion rule of base maps alone, for models that have them.
        detail_rule: fusion rule of detail maps alone.
        fast: whether to work in the model's fast mode, where it has one.
        device: where to compute: ``cpu``, ``cuda`` …
        **options: ``range``, ``resize_to``, ``depth``, ``align``, ``memory``, ``stretch``, ``shares``, ``window``,
            ``progress``: see :meth:`imfuse.fuser.Fuser.fuse`; of ``spectral`` ``range``, ``depth``, ``memory``,
            ``progress`` and ``guide_encoding``: see :meth:`imfuse.spectral.fuser.SpectralFuser.fuse`, and its
            ``fuse_file`` for scenes that memory does not hold.

    Returns:
        The picture as ``.image`` (depth of the visible source, the MRI, the first picture or the bands),
        ``.save(path)`` and ``.report``.

    Raises:
        imfuse.errors.ImfuseError: one of its kinds, with a message that says what to do.
    """
    from imfuse.tasks import task as find_task

    found = find_task(task)
    settings: dict[str, Any] = {
        "rule": rule,
        "base_rule": base_rule,
        "detail_rule": detail_rule,
        "fast": fast,
        "device": device,
    }
    if model is None and found.of_bands:
        from imfuse.spectral.loading import load_default

        return load_default(sources, **settings).fuse(sources, **options)
    return load(model or found.default_model, task=task, **settings).fuse(sources, **options)


def load(
    name_or_path: str | Path,
    *,
    task: str | None = None,
    rule: str | None = None,
    base_rule: str | None = None,
    detail_rule: str | None = None,
    fast: bool = False,
    device: str = "cpu",
) -> Fuser:
    """A fuser with a trained model, to be used for many pictures; of the task ``spectral`` a ``SpectralFuser``.

    Args:
        name_or_path: name of a built-in model or path of a ``.safetensors`` file with its card beside it.
        task: task name; by default the first that the model serves.
        rule: fusion rule, for models where it can be chosen.
        base_rule: fusion rule of base maps alone, for models that have them.
        detail_rule: fusion rule of detail maps alone.
        fast: whether to work in the model's fast mode, where it has one.
        device: where to compute.

    Raises:
        imfuse.errors.UsageError: no such model, task or rule, or the model does not serve the task or has no fast mode.
        imfuse.errors.WeightsError: the weights or their card are missing or damaged.
    """
    from imfuse.errors import UsageError
    from imfuse.registry import find_card, load_network
    from imfuse.tasks import task as find_task

    card = find_card(name_or_path)
    chosen = find_task(task or card.tasks[0])
    if chosen.name not in card.tasks:
        raise UsageError(f"model {card.name!r} serves {', '.join(card.tasks)}, not {chosen.name!r}")

    from imfuse.fuser import Fuser

    network = load_network(card)
    network.use_rule(rule, base=base_rule, detail=detail_rule)
    network.use_fast(fast)
    if chosen.of_bands:
        from imfuse.spectral.fuser import SpectralFuser

        return SpectralFuser(network, chosen, card.name, device, card)
    return Fuser(network, chosen, card.name, device, card)


def list_models(task: str | None = None, kind: ModelKind | None = None) -> list[ModelCard]:
    """The cards of the built-in models by name, trained ones first.

    Args:
        task: only those that serve this task.
        kind: only trained ones (``learned``), or only methods without weights (``classical``).
    """
    from imfuse import registry

    return registry.list_models(task, kind)
