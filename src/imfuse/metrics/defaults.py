"""Which metrics are shown for a task when none are chosen."""

from imfuse.errors import UsageError

_TWO_SENSORS = ("en", "sd", "sf", "ag", "scd", "mi", "vif", "viff", "qabf", "ssim-gauss11")

_WITHOUT_TRUTH: dict[str, tuple[str, ...]] = {
    "infrared": _TWO_SENSORS,
    "medical": _TWO_SENSORS,
    "focus": ("sf", "ag-ifcnn", "nmi", "qabf", "viff", "ssim-gauss11"),
    "exposure": ("mef-ssim-lum", "mef-ssim-colour", "niqe", "piqe"),
    "spectral": (),
}

_WITH_TRUTH: dict[str, tuple[str, ...]] = {
    "infrared": ("psnr", "ssim"),
    "medical": ("psnr", "ssim"),
    "focus": ("psnr", "ssim"),
    "exposure": ("psnr", "ssim"),
    "spectral": ("psnr", "ssim", "sam", "ergas", "q2n"),
}


def default_metrics(task: str, *, truth: bool = False) -> tuple[str, ...]:
    """Return the keys of the metrics that are shown for a task.

    No set rests on MI, VIF and Qabf alone: the pixelwise maximum of the sources, which nobody would want to look at,
    beats every network on these three. EN, SD, SF and AG stand beside them, which noise raises in turn, and SCD and
    SSIM, which neither trick wins; no single figure ranks fusions, and no figure replaces the pictures. For exposures
    the two MEF-SSIM come first: blind metrics hardly tell a fusion from a single exposure.

    Some are for exactly two sources (SCD, VIFF): with more, leave them out.

    Args:
        task: infrared, medical, focus, exposure or spectral.
        truth: whether there is the picture that fusion should have given; its metrics are added at the end.

    Returns:
        Keys of `METRICS`, in the order in which tables show them. The fusion of spectra is measured against a truth
        alone: without one, nothing.

    Raises:
        UsageError: There is no such task.
    """
    if task not in _WITHOUT_TRUTH:
        raise UsageError(f"unknown task {task!r}: choose one of {', '.join(_WITHOUT_TRUTH)}")
    return _WITHOUT_TRUTH[task] + (_WITH_TRUTH[task] if truth else ())
