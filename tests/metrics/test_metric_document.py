from pathlib import Path

import pytest
import torch

from imfuse.data.samples import infrared_pair
from imfuse.errors import UsageError
from imfuse.metrics import METRICS, evaluate
from imfuse.metrics.__main__ import main
from imfuse.metrics.document import BEGIN, END, metric_table, replace_table
from imfuse.ops.colour import luma

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_document_has_the_table_of_today() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    message = "docs/metrics.md is stale: run python -m imfuse.metrics docs/metrics.md"
    assert replace_table(document, metric_table(METRICS.values())) == document, message


def test_program_prints_the_table_and_rewrites_documents(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "some.md"
    path.write_text(f"before\n{BEGIN}\nstale\n{END}\nafter\n", encoding="utf-8")
    main([])
    printed = capsys.readouterr().out
    main([str(path)])
    assert capsys.readouterr().out == ""
    assert path.read_text(encoding="utf-8") == f"before\n{BEGIN}\n{printed}{END}\nafter\n"
    assert all(printed.count(f"`{key}`") == 2 for key in METRICS)


@pytest.mark.parametrize("text", ["", BEGIN, f"{END}\n{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_documents_without_a_place_for_the_table(text: str) -> None:
    with pytest.raises(UsageError, match="once each"):
        replace_table(text, "table")


def test_noise_raises_what_the_document_says_it_raises() -> None:
    pair = infrared_pair("street", height=120, width=160)
    infrared = torch.from_numpy(pair.infrared)[None, None].double() / 255
    visible = luma(torch.from_numpy(pair.visible).permute(2, 0, 1)[None].double() / 255)
    mean = (infrared + visible) / 2
    noise = torch.randn(mean.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    pictures = [mean, (mean + 10 / 255 * noise).clamp(0, 1)]
    clean, noisy = (evaluate(picture, [infrared, visible], ["en", "sf", "ag", "vif", "viff"]) for picture in pictures)
    assert all(noisy[key].item() > clean[key].item() for key in ("en", "sf", "ag"))
    assert all(noisy[key].item() < clean[key].item() for key in ("vif", "viff"))
