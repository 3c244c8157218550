"""The command line as a user meets it: results, words, exit status, and nothing left behind by what fails."""

import json
import os
import signal
import struct
import subprocess
import sys
import time
import tomllib
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import imfuse
from imfuse.cli import main
from imfuse.data.samples import InfraredPair, infrared_pair
from imfuse.io import Window, open_source, save_image

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in this process: exit status, standard output, standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["imfuse", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return call


@cache
def street(height: int, width: int) -> InfraredPair:
    """Drawn once: that takes longer than any of the tests."""
    return infrared_pair("street", height, width)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A thermal and a visible picture of 64×48."""
    made = street(48, 64)
    save_image(tmp_path / "thermal.png", made.infrared16)
    save_image(tmp_path / "visible.png", made.visible)
    return tmp_path / "thermal.png", tmp_path / "visible.png"


def pixels(path: Path) -> np.ndarray:
    source = open_source(path)
    return source.read(Window(0, 0, source.height, source.width))


def test_a_pair_is_fused_beside_the_first_source(run: Run, pair: tuple[Path, Path]) -> None:
    status, _, told = run("fuse", *pair)
    assert status == 0
    output = pair[0].parent / "thermal+visible.fused-auif.png"
    assert str(output) in told
    assert "stretched" in told
    np.testing.assert_array_equal(pixels(output), imfuse.fuse(list(pair)).image)


def test_an_existing_output_is_refused_without_overwrite(run: Run, pair: tuple[Path, Path], tmp_path: Path) -> None:
    output = tmp_path / "out.png"
    output.write_text("precious")
    status, _, told = run("fuse", *pair, "-o", output)
    assert status == 2
    assert "out.png" in told
    assert output.read_text() == "precious"
    assert run("fuse", *pair, "-o", output, "--overwrite")[0] == 0
    assert pixels(output).shape == (48, 64, 3)


def test_options_reach_the_fuser(run: Run, pair: tuple[Path, Path], tmp_path: Path) -> None:
    for name, options in {"rule": {"rule": "average"}, "range": {"range": "minmax"}, "depth": {"depth": "16"}}.items():
        output = tmp_path / f"{name}.png"
        assert run("fuse", *pair, "-o", output, f"--{name}", options[name], "-q") == (0, "", "")
        np.testing.assert_array_equal(pixels(output), imfuse.fuse(list(pair), **options).image)


def bomb(path: Path) -> None:
    """A PNG whose header promises 60,000×60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def nan_tiff(path: Path) -> None:
    values = np.zeros((48, 64), np.float32)
    values[3, 4] = np.nan
    save_image(path, values)


BAD: dict[str, Callable[[Path], object]] = {
    "missing.png": lambda path: None,
    "empty.png": lambda path: path.write_bytes(b""),
    "text.png": lambda path: path.write_text("this is no picture"),
    "truncated.png": lambda path: path.write_bytes(path.with_name("visible.png").read_bytes()[:-2000]),
    "bomb.png": bomb,
    "nan.tif": nan_tiff,
    "small.png": lambda path: save_image(path, np.zeros((40, 64), np.uint8)),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("place", [0, 1])
def test_bad_sources_end_in_one_line_that_names_them(
    run: Run, pair: tuple[Path, Path], tmp_path: Path, name: str, place: int
) -> None:
    BAD[name](tmp_path / name)
    sources = list(pair)
    sources[place] = tmp_path / name
    before = set(tmp_path.iterdir())
    status, out, told = run("fuse", *sources, "-o", tmp_path / "out.png", "-q")
    assert status == 2
    assert out == ""
    assert told.count("\n") == 1
    assert name in told
    assert "Traceback" not in told
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["thermal.png"], "takes 2 sources"),
        (["thermal.png", "visible.png", "visible.png"], "takes 2 sources"),
        (["thermal.png", "visible.png", "--task", "astrology"], "unknown task"),
        (["thermal.png", "visible.png", "--model", "nobody"], "unknown model"),
        (["thermal.png", "visible.png", "--model", "gone.safetensors"], "gone.json"),
        (["thermal.png", "visible.png", "--rule", "median"], "unknown rule"),
        (["thermal.png", "visible.png", "--range", "log"], "unknown range"),
        (["thermal.png", "visible.png", "--depth", "12"], "unknown depth"),
        (["thermal.png", "visible.png", "--memory", "little"], "memory"),
        (["thermal.png", "visible.png", "--memory", "10k"], "too little"),
        (["thermal.png", "visible.png", "--device", "abacus"], "abacus"),
        (["thermal.png", "visible.png", "-o", "nowhere/out.png"], "nowhere"),
        (["thermal.png", "visible.png", "-o", "out.xyz"], "xyz"),
        (["thermal.png", "visible.png", "-o", "visible.png", "--overwrite"], "one of the sources"),
        (["thermal.png", "visible.png", "-o", "linked.png", "--overwrite"], "one of the sources"),
        (["thermal.png", "."], "two folders"),
        (["."], "two folders"),
    ],
)
def test_wrong_requests_end_in_one_line(
    run: Run, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    folder = pair[0].parent
    monkeypatch.chdir(folder)
    (folder / "linked.png").symlink_to("visible.png")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    status, _, told = run("fuse", *arguments, "-q")
    assert status == 2
    assert told.count("\n") == 1
    assert words in told
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Two folders of four pairs, one of them bad, and a path for the results."""
    made = street(40, 50)
    for kind in ("ir", "vis"):
        (tmp_path / kind).mkdir()
    for stem in "abcd":
        save_image(tmp_path / "ir" / f"{stem}.png", made.infrared)
        save_image(tmp_path / "vis" / f"{stem}.jpg", made.visible)
    (tmp_path / "vis" / "c.jpg").write_bytes(b"\xff\xd8\xff broken")
    (tmp_path / "ir" / "notes.txt").write_text("no picture")
    return tmp_path / "ir", tmp_path / "vis", tmp_path / "fused"


def test_a_folder_run_goes_on_after_a_bad_file_and_tells_it(run: Run, folders: tuple[Path, Path, Path]) -> None:
    status, _, told = run("fuse", *folders[:2], "-o", folders[2])
    assert status == 1
    assert sorted(path.name for path in folders[2].iterdir()) == ["a.png", "b.png", "d.png"]
    assert "3 fused, 1 failed" in told
    assert "c.jpg" in told


def test_a_second_run_makes_only_what_is_missing(run: Run, folders: tuple[Path, Path, Path]) -> None:
    run("fuse", *folders[:2], "-o", folders[2])
    (folders[2] / "b.png").unlink()
    times = {path: path.stat().st_mtime_ns for path in folders[2].iterdir()}
    (folders[1] / "c.jpg").write_bytes((folders[1] / "a.jpg").read_bytes())
    status, _, told = run("fuse", *folders[:2], "-o", folders[2])
    assert status == 0
    assert "2 fused, 2 skipped" in told
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in times.items())


def test_two_jobs_give_the_same_files(run: Run, folders: tuple[Path, Path, Path], tmp_path: Path) -> None:
    values = np.random.default_rng(0)
    exif = Image.Exif()
    exif[0x010F] = "Camera maker"
    for stem, (height, width, depth) in {
        "e": (7, 90, np.uint8),
        "f": (61, 13, np.uint16),
        "g": (1, 1, np.uint16),
    }.items():
        limit = np.iinfo(depth).max
        save_image(folders[0] / f"{stem}.png", values.integers(0, limit, (height, width)).astype(depth))
        save_image(folders[1] / f"{stem}.tif", values.integers(0, limit, (height, width, 4)).astype(depth), alpha=True)
    Image.open(folders[1] / "a.jpg").save(folders[1] / "a.jpg", exif=exif, dpi=(300, 300))
    run("fuse", *folders[:2], "-o", folders[2])
    status, _, told = run("fuse", *folders[:2], "-o", tmp_path / "two", "--jobs", "2")
    assert status == 1
    assert "6 fused, 1 failed" in told
    one, two = ({path.name: path.read_bytes() for path in out.iterdir()} for out in (folders[2], tmp_path / "two"))
    assert sorted(one) == ["a.png", "b.png", "d.png", "e.tif", "f.tif", "g.tif"]
    assert two == one
    with Image.open(tmp_path / "two" / "a.png") as fused:
        assert fused.getexif()[0x010F] == "Camera maker"


def test_an_empty_output_is_told_and_not_taken_for_a_picture(run: Run, folders: tuple[Path, Path, Path]) -> None:
    folders[2].mkdir()
    (folders[2] / "a.png").touch()
    status, _, told = run("fuse", *folders[:2], "-o", folders[2])
    assert status == 1
    assert "2 fused, 2 failed" in told
    assert "a.png: exists already" in told
    assert (folders[2] / "a.png").read_bytes() == b""
    run("fuse", *folders[:2], "-o", folders[2], "--overwrite")
    assert pixels(folders[2] / "a.png").shape == (40, 50, 3)


def test_orphans_are_an_error_or_left_out(run: Run, folders: tuple[Path, Path, Path]) -> None:
    (folders[1] / "a.jpg").rename(folders[1] / "e.jpg")
    status, _, told = run("fuse", *folders[:2], "-o", folders[2])
    assert status == 2
    assert "a.png" in told
    assert "e.jpg" in told
    assert not folders[2].exists()
    assert run("fuse", *folders[:2], "-o", folders[2], "--skip-orphans")[0] == 1
    assert sorted(path.name for path in folders[2].iterdir()) == ["b.png", "d.png"]


def test_results_never_go_into_a_source_folder(run: Run, folders: tuple[Path, Path, Path]) -> None:
    status, _, told = run("fuse", *folders[:2], "-o", folders[0], "--overwrite")
    assert status == 2
    assert "source folders" in told


def test_models_and_doctor(run: Run) -> None:
    status, shown, _ = run("models", "--json")
    assert status == 0
    cards = json.loads(shown)
    assert [card["name"] for card in cards] == [card.name for card in imfuse.list_models()]
    status, shown, _ = run("models")
    assert status == 0
    assert "csc-mmfn-x4, for: 31 bands, a guide of 3 channels, scale 4" in shown
    status, shown, _ = run("doctor")
    assert status == 0
    assert "weights sound" in shown
    extras = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    assert all(f"extra {extra}" in shown for extra in extras if extra not in ("all", "dev"))


def test_version_and_help(run: Run) -> None:
    assert run("--version")[1] == f"imfuse {imfuse.__version__}\n"
    status, shown, _ = run("fuse", "--help")
    assert status == 0
    assert "imfuse fuse thermal/ visible/ -o fused/" in shown


def test_demo_writes_sources_results_and_a_sheet(run: Run, tmp_path: Path) -> None:
    assert run("demo", "-o", tmp_path / "demo")[0] == 0
    names = {path.name for path in (tmp_path / "demo").iterdir()}
    assert {"sheet.png", "street-infrared.png", "street-visible.png", "street-fused.png"} <= names
    assert run("demo", "-o", tmp_path / "demo")[0] == 2
    fused, visible = pixels(tmp_path / "demo/street-fused.png"), pixels(tmp_path / "demo/street-visible.png")
    hidden = infrared_pair("street").targets
    contrast = [abs(p[hidden].mean() - p[~hidden].mean()) for p in (fused.mean(-1), visible.mean(-1))]
    assert contrast[0] > contrast[1]


def test_exif_icc_and_resolution_travel_from_the_visible(run: Run, pair: tuple[Path, Path], tmp_path: Path) -> None:
    from PIL import ImageCms

    visible = tmp_path / "camera.jpg"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Camera maker", 1
    Image.open(pair[1]).save(visible, exif=exif, icc_profile=profile, dpi=(300, 300))
    assert run("fuse", pair[0], visible, "-o", tmp_path / "out.jpg")[0] == 0
    with Image.open(tmp_path / "out.jpg") as fused:
        assert fused.info["icc_profile"] == profile
        assert fused.getexif()[0x010F] == "Camera maker"
        assert fused.info["dpi"] == (300, 300)


def enlarge(folders: tuple[Path, Path, Path], height: int, width: int) -> None:
    """Give the pictures a size whose fusing takes a while, and mend the bad one."""
    infrared, visible = (cv2.resize(one, (width, height)) for one in (street(40, 50).infrared, street(40, 50).visible))
    for stem in "abcd":
        save_image(folders[0] / f"{stem}.png", infrared, overwrite=True)
        save_image(folders[1] / f"{stem}.jpg", visible, overwrite=True)


def test_a_killed_run_leaves_no_half_file(folders: tuple[Path, Path, Path]) -> None:
    enlarge(folders, 900, 1200)
    command = [sys.executable, "-m", "imfuse", "fuse", *map(str, folders[:2]), "-o", str(folders[2])]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (folders[2].is_dir() and any(folders[2].iterdir())):
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    for path in folders[2].glob("[!.]*"):
        assert pixels(path).shape == (900, 1200, 3)
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    assert sorted(path.name for path in folders[2].glob("[!.]*")) == ["a.png", "b.png", "c.png", "d.png"]


def test_importing_and_help_are_quick_and_need_no_torch() -> None:
    code = "import sys, imfuse, imfuse.cli; sys.exit('torch' in sys.modules or 'PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    before = os.times()
    subprocess.run([sys.executable, "-m", "imfuse", "--help"], check=True, capture_output=True)
    after = os.times()
    # Half a second of computing, however busy the machine is.
    assert after.children_user + after.children_system - before.children_user - before.children_system < 2


def test_ctrl_c_ends_in_order_and_the_run_can_go_on(folders: tuple[Path, Path, Path]) -> None:
    enlarge(folders, 600, 800)
    command = [sys.executable, "-m", "imfuse", "fuse", *map(str, folders[:2]), "-o", str(folders[2])]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while process.poll() is None and not (folders[2].is_dir() and any(folders[2].glob("[!.]*"))):
        time.sleep(0.005)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=300)
    if process.returncode != 0:  # it may have been done before the signal came
        assert process.returncode == 130
        assert "of 4 pictures are made" in told
        assert "goes on" in told
        assert "Traceback" not in told
    assert subprocess.run(command, check=False, capture_output=True, timeout=300).returncode == 0
    assert len(list(folders[2].glob("[!.]*"))) == 4


def test_an_unforeseen_error_costs_one_picture(
    run: Run, folders: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from imfuse.fuser import Fuser

    original = Fuser.fuse

    def failing(self: Fuser, sources: list[Path], **options: object) -> object:
        if sources[0].stem == "b":
            raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes")
        return original(self, sources, **options)

    monkeypatch.setattr(Fuser, "fuse", failing)
    status, _, told = run("fuse", *folders[:2], "-o", folders[2])
    assert status == 1
    assert "2 fused, 2 failed" in told
    assert "b.png: not enough memory" in told


@pytest.mark.parametrize(
    "change",
    [
        {"arguments": ["prelu"]},
        {"arguments": {"filters": -3}},
        {"arguments": {"theta_base": "x"}},
        {"arguments": {"no_such": 1}},
        {"name": "../../evil"},
        {"name": None},
        {"tasks": "infrared"},
        {"network": "os:system"},
        {"sha256": "0" * 64},
    ],
)
def test_cards_of_strangers_are_checked(
    run: Run, pair: tuple[Path, Path], tmp_path: Path, change: dict[str, object]
) -> None:
    card = imfuse.list_models()[0]
    (tmp_path / "model.safetensors").write_bytes(card.weights_path.read_bytes())
    entries = json.loads(card.path.read_text()) | change
    (tmp_path / "model.json").write_text(json.dumps(entries))
    status, _, told = run("fuse", *pair, "--model", tmp_path / "model.safetensors", "-o", tmp_path / "out.png", "-q")
    assert status == 2
    assert told.count("\n") == 1
    assert "model." in told
    assert not (tmp_path / "out.png").exists()


def test_wrong_options_of_a_folder_run_are_told_once_and_leave_nothing(
    run: Run, folders: tuple[Path, Path, Path]
) -> None:
    for wrong in (["--rule", "zzz"], ["--device", "abacus"], ["--memory", "1"], ["--range", "log"], ["--jobs", "x"]):
        status, _, told = run("fuse", *folders[:2], "-o", folders[2], *wrong)
        assert status == 2
        assert told.count("\n") == 1
        assert not folders[2].exists()


def test_a_picture_or_folder_given_twice_is_told(run: Run, pair: tuple[Path, Path], folders: tuple[Path, ...]) -> None:
    assert "twice" in run("fuse", pair[0], pair[0])[2]
    assert "twice" in run("fuse", folders[0], folders[0])[2]
