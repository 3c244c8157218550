import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from cave_maker import make_cave
from imfuse.bench.published_tables import at_scale, published_table
from imfuse.bench.reproduction import find_set, plan_reproduction, reproduced
from imfuse.bench.rows import read_csv
from imfuse.bench.spectral import AS_STORED, plan_spectral, run_spectral, score_bands
from imfuse.classical.spectral.glp_hs import GLPHS
from imfuse.cli import app
from imfuse.data.cave import cave_set, read_cave
from imfuse.errors import DataError, UsageError
from imfuse.metrics import relative_global_error
from imfuse.networks.csc_mmfn import CSCMMFN
from imfuse.ops.resampling import area_average, upsample_bicubic, with_averages
from imfuse.registry import list_models
from imfuse.train.export import save_model

TABLE = at_scale(published_table("deep-csc-table4"), 4)
NAMES = ["sponges", "superballs"]


@pytest.fixture
def cave(tmp_path: Path) -> Path:
    return make_cave(tmp_path / "data" / "spectral" / "cave" / "test", [*NAMES, "not_in_the_table"])


def test_every_method_is_measured_with_the_guide_decoded_and_as_stored(cave: Path) -> None:
    names = [contender.name for contender in plan_spectral(cave, ["classical"]).contenders]
    methods = [card.name for card in list_models("spectral", "classical")]
    assert [name for name in names if not name.endswith(AS_STORED)] == methods
    stored = [name.removesuffix(AS_STORED) for name in names if name.endswith(AS_STORED)]
    assert stored == [name for name in methods if name != "bicubic"]
    assert set(TABLE.models.values()) - {f"csc-mmfn-x4{AS_STORED}"} <= set(names)


@pytest.mark.parametrize(("model", "encoding"), [("glp-hs", "srgb"), (f"glp-hs{AS_STORED}", "linear")])
def test_the_figures_are_those_of_a_direct_computation(cave: Path, tmp_path: Path, model: str, encoding: str) -> None:
    plan = plan_spectral(cave, ["glp-hs"], folder=tmp_path / "out", scenes=["superballs"])
    row = next(row for row in run_spectral(plan).rows if row.model == model)
    truth, guide = read_cave(cave_set(cave).scenes[-1])
    fused = GLPHS(encoding).fuse([area_average(truth, 4), guide]).double().clamp(0, 1).numpy()
    true = truth.double().numpy()
    error = ((fused - true) ** 2).mean()
    assert row.values["psnr"] == pytest.approx(-10 * math.log10(error), rel=1e-9)
    cosine = (fused * true).sum(1) / np.sqrt((fused**2).sum(1) * (true**2).sum(1))
    assert row.values["sam"] == pytest.approx(np.degrees(np.arccos(cosine.clip(-1, 1))).mean(), rel=1e-6)
    assert list(row.values) == ["psnr", "ssim", "sam", "ergas", "q2n"]
    assert (row.height, row.width, row.error) == (40, 48, "")


def test_what_is_beyond_the_range_is_clamped_and_ergas_knows_the_scale() -> None:
    truth = torch.rand(1, 3, 16, 16, generator=torch.manual_seed(0))
    truth[0, 0, 0, 0] = 1
    fused = truth.clone()
    fused[0, 0, 0, 0] = 7
    fused[0, 1] = (fused[0, 1] + 0.1).clamp_max(1)
    inside = fused.clamp(0, 1)
    assert score_bands(fused, truth, ["rmse"]) == score_bands(inside, truth, ["rmse"])
    expected = float(relative_global_error(inside, truth, ratio=8))
    assert score_bands(fused, truth, ["ergas"], scale=8)["ergas"] == pytest.approx(expected, rel=1e-12)


def test_the_command_fills_the_table(cave: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ["bench", str(tmp_path / "data"), "--reproduce", TABLE.name, "--models", "bicubic,gsa", "-o", str(out)]
    listed = CliRunner().invoke(app, [*command, "--list"])
    assert (listed.exit_code, out.exists()) == (0, False)
    assert "6 pictures" in listed.stdout
    done = CliRunner().invoke(app, [*command, "-q"])
    assert done.exit_code == 0, done.output
    assert "| **gsa, guide as stored**, measured (for GSA) |" in done.stdout
    assert "Measured on 2 of the scenes real_and_fake_apples" in done.stdout
    assert "cave/thread_spools is not among the scenes that were taken" in done.stdout
    rows = read_csv(out / "spectral.csv")
    assert [(row.model, row.scene) for row in rows[:3]] == [*(("bicubic", name) for name in NAMES), ("gsa", NAMES[0])]
    assert all(row.seconds is not None and row.notes.startswith("scale 4") for row in rows)
    sets = {part["data"]: part["measured"] for part in json.loads((out / f"{TABLE.name}.json").read_bytes())["sets"]}
    for model in ("bicubic", "gsa", f"gsa{AS_STORED}"):
        values = {row.scene: [row.values["psnr"], row.values["ssim"]] for row in rows if row.model == model}
        assert {name: sets[f"cave/{name}"][model] for name in NAMES} == values
        assert sets["cave"][model] == pytest.approx(np.mean(list(values.values()), 0), rel=1e-12)
    assert sets["cave/thread_spools"] == {}


def test_the_paper_is_compared_with_the_guide_as_stored(cave: Path, tmp_path: Path) -> None:
    plan = plan_reproduction(TABLE, [cave], ["gsa"], folder=tmp_path / "out")
    assert plan is not None
    part = next(part for part in reproduced(TABLE, run_spectral(plan)) if part.published.data == "cave/sponges")
    psnr, _ = part.rows[f"gsa{AS_STORED}"]
    assert psnr is not None
    assert psnr.value - psnr.difference == pytest.approx(26.3144, abs=1e-9)
    assert all(cell is not None and math.isnan(cell.difference) for cell in part.rows["gsa"])
    assert part.missing == ()  # CSC-MMFN is here, if it was not asked for


def test_a_scene_that_fails_does_not_stop_the_rest(cave: Path, tmp_path: Path) -> None:
    (cave / "sponges.tif").write_bytes(b"no cube")
    out = tmp_path / "out"
    command = ["bench", str(tmp_path / "data"), "--reproduce", TABLE.name, "--models", "bicubic", "-o", str(out), "-q"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1
    assert done.stderr.startswith("failed: cave · bicubic · sponges: ")
    assert "Pictures failed with bicubic; their rows are means over the others." in done.stdout
    assert [bool(row.error) for row in read_csv(out / "spectral.csv")] == [True, False]


def test_what_is_done_before_a_stop_is_written(cave: Path, tmp_path: Path) -> None:
    plan = plan_spectral(cave, ["bicubic", "brovey"], folder=tmp_path / "out")
    begun: list[str] = []
    results = run_spectral(
        plan, progress=lambda cell, done: begun.append(f"{done} {cell.scene.name}"), stop=lambda: len(begun) == 4
    )
    assert results.interrupted
    assert begun == ["0 not_in_the_table", "1 not_in_the_table", "2 not_in_the_table", "3 sponges"]
    assert [(row.model, row.scene) for row in read_csv(tmp_path / "out" / "spectral.csv")] == [
        ("bicubic", "not_in_the_table"),
        ("bicubic", "sponges"),
        ("brovey", "not_in_the_table"),
        (f"brovey{AS_STORED}", "not_in_the_table"),
    ]


def test_the_folder_is_found_by_its_name_or_its_test_part(cave: Path, tmp_path: Path) -> None:
    assert find_set([tmp_path / "data"], "cave") == cave.parent
    assert find_set([cave.parent], "cave") == cave.parent
    assert find_set([cave], "cave") == cave
    assert find_set([tmp_path / "data"], "tno40") is None
    with pytest.raises(DataError, match=r"\(cave\)"):
        plan_reproduction(TABLE, [tmp_path / "elsewhere"], folder=tmp_path)
    with pytest.raises(DataError, match="none of the scenes sponge"):
        plan_spectral(cave, scenes=["sponge"])
    with pytest.raises(UsageError, match="'nowhere' cannot be used here"):
        run_spectral(plan_spectral(cave, ["bicubic"], folder=tmp_path / "out", device="nowhere"))


@pytest.mark.data
def test_reference_figures_of_cave(data_dir: Path, tmp_path: Path) -> None:
    """Means over the six scenes at scale 4, area-averaged bands, as an implementation of others has them.

    Clamping raises both a little; where the guide is taken as it is stored it does so by more than the last digit.
    """
    plan = plan_spectral(data_dir / "spectral" / "cave", ["bicubic", "glp-hs"], folder=tmp_path)
    decoded = tuple(contender for contender in plan.contenders if not contender.name.endswith(AS_STORED))
    rows = run_spectral(replace(plan, contenders=decoded)).rows
    expected = {"bicubic": (36.4, 0.963), "glp-hs": (48.7, 0.995)}
    for model, (psnr, ssim) in expected.items():
        values = [row.values for row in rows if row.model == model]
        assert len(values) == 6
        assert np.mean([value["psnr"] for value in values]) == pytest.approx(psnr, abs=0.05), model
        assert np.mean([value["ssim"] for value in values]) == pytest.approx(ssim, abs=6e-4), model


def make_model(folder: Path, scale: int, transfer: str = "srgb") -> Path:
    """An untrained network, which is the bicubic interpolation with the right averages, as a model of its scale."""
    path = folder / f"csc-mmfn-x{scale}{'-linear' * (transfer == 'linear')}.safetensors"
    arguments = {"bands": 5, "scale": scale, "filters": 4, "units": 1, "guide_transfer": transfer}
    words = {"paper": "", "data": {}, "recipe": {}, "selection": "", "figures": {}}
    save_model(CSCMMFN(**arguments), path, network="csc_mmfn", arguments=arguments, tasks=("spectral",), **words)
    return path


def test_learned_models_join_where_their_scale_is_measured(cave: Path, tmp_path: Path) -> None:
    paths = [str(make_model(tmp_path, scale)) for scale in (4, 8)]
    plan = plan_spectral(cave, [*paths, "bicubic"], folder=tmp_path / "out", scenes=NAMES[:1])
    assert [contender.name for contender in plan.contenders] == [f"csc-mmfn-x4{AS_STORED}", "bicubic"]
    rows = run_spectral(plan).rows
    assert [row.error for row in rows] == ["", ""]
    truth, _ = read_cave(cave_set(cave).scenes[1])
    low = area_average(truth, 4)
    expected = score_bands(with_averages(upsample_bicubic(low, 4), low), truth, ["psnr"])["psnr"]
    assert rows[0].values["psnr"] == pytest.approx(expected, abs=1e-5)
    others = plan_spectral(cave, paths, scale=8, folder=tmp_path / "out")
    assert [contender.name for contender in others.contenders] == [f"csc-mmfn-x8{AS_STORED}"]
    assert not any(row.error for row in run_spectral(others, scale=8).rows)
    with pytest.raises(UsageError, match="none of the models is for scale 3"):
        plan_spectral(cave, paths, scale=3)


def test_the_table_takes_the_models_of_its_scale_and_tells_how_each_sees_the_guide(cave: Path, tmp_path: Path) -> None:
    paths = [make_model(tmp_path, scale, transfer) for scale in (4, 8) for transfer in ("srgb", "linear")]
    out = tmp_path / "out"
    given = ",".join([*map(str, paths), "bicubic", "sfim"])
    command = ["bench", str(tmp_path / "data"), "--reproduce", TABLE.name, "--models", given, "-o", str(out), "-q"]
    done = CliRunner().invoke(app, [*command, "--scale", "8"])
    assert done.exit_code == 0, done.output
    text = (out / "deep-csc-table4-x8.md").read_text()
    assert "at scale 8" in text
    assert "{scale}" not in text
    assert "x4" not in text
    assert "| **csc-mmfn-x8, guide as stored**, measured (for CSC-MMFN) |" in text
    assert "| **csc-mmfn-x8-linear**, measured |" in text
    every = text.split("## CAVE")[1:]
    assert len(every) == 7
    assert all("\nScale 8; bands averaged over blocks;" in part and "PSNR is 10 log10" in part for part in every)
    seen = {row.model: row.notes.split("; ")[1] for row in read_csv(out / "spectral.csv")}
    assert seen == {
        f"csc-mmfn-x8{AS_STORED}": "guide as stored",
        "csc-mmfn-x8-linear": "guide decoded by the sRGB curve",
        "bicubic": "no guide",
        "sfim": "guide decoded by the sRGB curve",
        f"sfim{AS_STORED}": "guide as stored",
    }


def test_a_folder_of_scenes_is_compared_in_all_metrics(cave: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ["bench", str(cave), "--task", "spectral", "--models", "bicubic,glp-hs", "--scale", "8", "-o", str(out)]
    assert "9 pictures" in CliRunner().invoke(app, [*command, "--list"]).stdout
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "9 results scored" in done.stderr
    rows = [row for row in read_csv(out / "spectral.csv") if row.model == "glp-hs"]
    text = (out / "spectral.md").read_text()
    mean, *scenes = text.split("\n## ")[1:5]
    for part, own in [(mean, rows), *((part, [row]) for part, row in zip(scenes, rows, strict=True))]:
        (line,) = (line for line in part.splitlines() if line.startswith("| glp-hs |"))
        shown = [float(cell.strip(" *")) for cell in line.split("|")[2:7]]
        values = [np.mean([row.values[key] for row in own]) for key in ("psnr", "ssim", "sam", "ergas", "q2n")]
        np.testing.assert_allclose(shown, values, rtol=2e-3)
    assert "blocks of 8×8 pixels" in text
    assert "here with 100/8" in text


def test_scale_and_what_does_not_go_together_is_refused(cave: Path, tmp_path: Path) -> None:
    wrong = [
        ([str(cave), "--scale", "8"], "--scale belongs to"),
        ([str(cave), str(cave), "--task", "spectral"], "one after the other"),
        ([str(cave), "--task", "spectral", "--metrics", "psnr"], "--metrics: not together with --task spectral"),
        ([str(cave), "--reproduce", "auif-table3", "--scale", "8"], "leave --scale away"),
    ]
    for words, reason in wrong:
        refused = CliRunner().invoke(app, ["bench", *words, "-o", str(tmp_path / "out")])
        assert isinstance(refused.exception, UsageError)
        assert reason in str(refused.exception)
