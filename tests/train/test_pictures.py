from pathlib import Path

import numpy as np
import pytest
import torch

from imfuse.data.splits import frame_number, is_msrs361_validation
from imfuse.errors import DataError
from imfuse.train.pictures import CropDataset, PictureDraws, crop_loader, read_training_pictures


def test_an_epoch_takes_every_picture_once() -> None:
    assert sorted(draw[0] for draw in PictureDraws(50, seed=3)) == list(range(50))


def test_crops_are_crops_of_the_pictures_and_reach_every_border() -> None:
    picture = np.arange(20 * 23, dtype=np.uint16).reshape(20, 23).astype(np.uint8)
    data = CropDataset([picture], 16)
    top_left, bottom_right = data[0, 0.0, 0.0], data[0, 1 - 1e-9, 1 - 1e-9]
    np.testing.assert_array_equal((top_left[0] * 255).round().numpy(), picture[:16, :16])
    np.testing.assert_array_equal((bottom_right[0] * 255).round().numpy(), picture[4:, 7:])


def test_the_last_batch_of_an_epoch_may_be_smaller(pairs_folder: Path) -> None:
    pictures = read_training_pictures(pairs_folder, 32)
    assert len(pictures) == 6
    sizes = [len(batch) for batch in crop_loader(pictures, 4, 32, 0)]
    assert sizes == [4, 2]
    batch = next(iter(crop_loader(pictures, 4, 32, 0)))
    assert batch.shape == (4, 1, 32, 32)
    assert batch.dtype == torch.float32
    assert 0 <= batch.min() <= batch.max() <= 1


def test_data_that_do_not_serve_are_told(tmp_path: Path, pairs_folder: Path) -> None:
    with pytest.raises(DataError, match="'ir'"):
        read_training_pictures(tmp_path, 32)
    with pytest.raises(DataError, match="--crop"):
        read_training_pictures(pairs_folder, 65)
    for kind in ("ir", "vis"):
        (tmp_path / kind).mkdir()
    with pytest.raises(DataError, match="no pairs"):
        read_training_pictures(tmp_path, 32)
    (tmp_path / "ir" / "a.png").write_bytes((pairs_folder / "ir" / "0.png").read_bytes())
    with pytest.raises(DataError, match=r"a\.png has no partner"):
        read_training_pictures(tmp_path, 32)


def test_the_split_is_one_cut_by_number() -> None:
    assert frame_number("01282N") == 1282
    assert [is_msrs361_validation(stem) for stem in ("00004N", "01278N", "01282N", "01603D")] == [
        False,
        False,
        True,
        True,
    ]
    with pytest.raises(DataError, match="frame number"):
        frame_number("dusk")


@pytest.mark.data
def test_the_split_of_the_real_set(data_dir: Path) -> None:
    stems = [path.stem for path in (data_dir / "infrared/msrs361/ir").iterdir()]
    validation = [stem for stem in stems if is_msrs361_validation(stem)]
    assert (len(stems), len(validation)) == (361, 76)
    assert (sum("N" in s for s in validation), sum("D" in s for s in validation)) == (24, 52)
