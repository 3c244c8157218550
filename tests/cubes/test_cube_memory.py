"""A scene that is larger than the memory allowed for it is copied window by window."""

import subprocess
import sys
from pathlib import Path

import pytest

COPY = """
import sys
from pathlib import Path
import numpy as np
import rasterio
from imfuse.cubes import create_cube, open_cube
from imfuse.io import Window

def status(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(key))

folder, side, bands, step = Path(sys.argv[1]), 3072, 8, 640
sparse = {"driver": "GTiff", "tiled": True, "blockxsize": 512, "blockysize": 512, "SPARSE_OK": True, "compress": "lzw"}
place = rasterio.Affine(10, 0, 500000, 0, -10, 5500000)
with rasterio.open(folder / "in.tif", "w", width=side, height=side, count=bands, dtype="uint16", crs="EPSG:32633",
                   transform=place, **sparse) as file:
    file.write(np.full((bands, 9, 9), 7, np.uint16), window=rasterio.windows.Window(3056, 3056, 9, 9))
open_cube(folder / "in.tif").close()
for source, target in (("in.tif", "out.tif"), ("out.tif", "out.npy"), ("out.npy", "out.img"), ("out.img", "back.tif")):
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    with open_cube(folder / source) as cube:
        with create_cube(folder / target, bands, side, side, cube.dtype, cube.description) as writer:
            for top in range(0, side, step):
                for left in range(0, side, step):
                    window = Window(top, left, min(step, side - top), min(step, side - left))
                    writer.write(window, cube.read(window))
    print(target, (status("VmHWM") - before) >> 20)
    if source != "in.tif":
        (folder / source).unlink()
with open_cube(folder / "back.tif") as cube:
    found = cube.read(Window(2976, 2976, 96, 96))
    assert found.sum() == 7 * 81 * bands and (found[:, 80:89, 80:89] == 7).all()
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's peak of resident memory")
def test_copies_of_a_large_cube_hold_no_more_than_blocks_and_windows(tmp_path: Path) -> None:
    """144 MiB of values; a window has 6, and GDAL's cache 64."""
    done = subprocess.run([sys.executable, "-c", COPY, str(tmp_path)], check=True, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    for line in lines:
        assert int(line.split()[1]) < 100, lines
