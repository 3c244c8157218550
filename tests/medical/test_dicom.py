"""Single DICOM files: what their pixels stand for, and what is no picture."""

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels import convert_color_space
from pydicom.sequence import Sequence

from imfuse.errors import SourceError
from imfuse.io import Window, open_source
from imfuse.medical.opening import open_volume
from medical_makers import SECRETS, phantom, save, slice_of

PIXELS = phantom(1)[0]


def opened(tmp_path: Path, pixels: np.ndarray, modality: str = "MR", **attributes: Any) -> Any:
    return open_volume(save(slice_of(pixels, modality, **attributes), tmp_path / "a.dcm"))


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int8, np.uint8, np.int32])
def test_values_are_those_of_the_modality(tmp_path: Path, dtype: type) -> None:
    """PS3.3, C.11.1.1.2: output units = m * SV + b."""
    limits = np.iinfo(dtype)
    stored = np.random.default_rng(0).integers(max(limits.min, -30000), min(limits.max, 30000), (6, 8)).astype(dtype)
    volume = opened(tmp_path, stored, "CT", RescaleSlope="0.5", RescaleIntercept="-1024")
    np.testing.assert_allclose(volume.values(0)[..., 0], stored * 0.5 - 1024, rtol=1e-6)
    np.testing.assert_allclose(volume.full_range, (limits.min * 0.5 - 1024, limits.max * 0.5 - 1024))
    assert volume.hounsfield is True


def test_12_bits_have_their_own_range_and_16_come_out(tmp_path: Path) -> None:
    volume = opened(tmp_path, PIXELS.astype(np.uint16), BitsStored=12, HighBit=11)
    assert (volume.full_range, volume.depth, volume.dtype, volume.single) == ((0, 4095), 16, np.float32, True)
    assert volume.hounsfield is False


def test_8_bits_are_taken_as_they_are(tmp_path: Path) -> None:
    volume = opened(tmp_path, (PIXELS // 4).astype(np.uint8))
    assert (volume.dtype, volume.depth) == (np.uint8, 8)
    np.testing.assert_array_equal(volume.values(0)[..., 0], PIXELS // 4)


def test_the_files_window_is_black_and_white(tmp_path: Path) -> None:
    volume = opened(tmp_path, PIXELS, WindowCenter=["300", "40"], WindowWidth=["601", "80"])
    assert (volume.window.low, volume.window.high) == (-0.5, 599.5)
    exact = opened(tmp_path, PIXELS, WindowCenter="300", WindowWidth="600", VOILUTFunction="LINEAR_EXACT")
    assert (exact.window.low, exact.window.high) == (0, 600)
    assert opened(tmp_path, PIXELS, WindowCenter="300", WindowWidth="0").window is None


def test_small_values_of_monochrome1_are_white(tmp_path: Path) -> None:
    path = save(
        slice_of(PIXELS, PhotometricInterpretation="MONOCHROME1", WindowCenter=500.5, WindowWidth=1001),
        tmp_path / "a.dcm",
    )
    source = open_source(path)
    assert "MONOCHROME1" in " ".join(source.notes)
    assert "1000…0 become black…white" in " ".join(source.notes)
    low, high = source.full_range
    unit = (source.read(Window(0, 0, *PIXELS.shape))[..., 0] - low) / (high - low)
    np.testing.assert_allclose(unit, 1 - PIXELS / 1000, atol=1e-6)


def test_padding_holds_nothing(tmp_path: Path) -> None:
    pixels = PIXELS.copy()
    pixels[0, :5], pixels[1, 0] = -2000, -1500
    volume = opened(tmp_path, pixels, "CT", PixelPaddingValue=-2000, PixelPaddingRangeLimit=-1200)
    assert volume.values(0).min() == PIXELS.min()
    assert "6 voxels hold nothing" in volume.seen_notes[0]


def test_colours_of_every_kind_are_rgb(tmp_path: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    np.testing.assert_array_equal(opened(tmp_path, rgb, "PT").values(0), rgb)
    planar = slice_of(rgb, "PT")
    planar.PlanarConfiguration, planar.PixelData = 1, np.ascontiguousarray(rgb.transpose(2, 0, 1)).tobytes()
    np.testing.assert_array_equal(open_volume(save(planar, tmp_path / "b.dcm")).values(0), rgb)
    ybr = convert_color_space(rgb, "RGB", "YBR_FULL")
    found = opened(tmp_path, ybr, "PT", PhotometricInterpretation="YBR_FULL").values(0)
    assert np.abs(found.astype(int) - rgb).max() <= 2


def test_a_palette_gives_its_colours(tmp_path: Path) -> None:
    indices = np.random.default_rng(0).integers(0, 256, (6, 8), np.uint8)
    made = slice_of(indices, "PT", PhotometricInterpretation="PALETTE COLOR")
    tables = np.random.default_rng(1).integers(0, 65536, (3, 256)).astype(np.uint16)
    for name, table in zip(("Red", "Green", "Blue"), tables, strict=True):
        setattr(made, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(made, f"{name}PaletteColorLookupTableData", table.tobytes())
    volume = open_volume(save(made, tmp_path / "a.dcm"))
    assert (volume.channels, volume.dtype) == (3, np.uint16)
    np.testing.assert_array_equal(volume.values(0), tables[:, indices].transpose(1, 2, 0))
    assert "palette converted to RGB" in volume.notes[0]


CODERS = {
    "1.2.840.10008.1.2.4.70": lambda a: imagecodecs.ljpeg_encode(a, bitspersample=16),
    "1.2.840.10008.1.2.4.57": lambda a: imagecodecs.ljpeg_encode(a, bitspersample=16),
    "1.2.840.10008.1.2.4.80": imagecodecs.jpegls_encode,
    "1.2.840.10008.1.2.4.90": lambda a: imagecodecs.jpeg2k_encode(a, level=0, reversible=True, codecformat="j2k"),
}


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("syntax", CODERS)
def test_lossless_compression_changes_nothing(tmp_path: Path, syntax: str, signed: bool) -> None:
    stored = (phantom(3, 32, 40) * 30 - (15000 if signed else 0)).astype(np.int16 if signed else np.uint16)
    made = slice_of(stored[0], NumberOfFrames=3)
    made.file_meta.TransferSyntaxUID = syntax
    made.PixelData = encapsulate([CODERS[syntax](frame.view(np.uint16)) for frame in stored])
    made["PixelData"].VR = "OB"
    volume = open_volume(save(made, tmp_path / "a.dcm"))
    np.testing.assert_array_equal([volume.values(index)[..., 0] for index in range(3)], stored)


@pytest.mark.parametrize("name", ["MR_small_RLE", "MR_small_jp2klossless", "MR_small_jpeg_ls_lossless"])
def test_files_of_other_programs_are_decoded_alike(name: str) -> None:
    """pydicom's own sample files: one MRI slice in several transfer syntaxes."""
    plain = open_volume(get_testdata_file("MR_small.dcm"))
    np.testing.assert_array_equal(open_volume(get_testdata_file(f"{name}.dcm")).values(0), plain.values(0))
    for other in ("MR_small_bigendian.dcm", "MR_small_implicit.dcm"):
        np.testing.assert_array_equal(open_volume(get_testdata_file(other)).values(0), plain.values(0))


def test_what_cannot_be_decoded_is_told(tmp_path: Path) -> None:
    made = slice_of(PIXELS)
    made.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"  # MPEG2
    made.PixelData = encapsulate([b"\0" * 64])
    made["PixelData"].VR = "OB"
    with pytest.raises(SourceError, match=r"compressed .MPEG2 .*no decoder"):
        open_volume(save(made, tmp_path / "a.dcm")).values(0)


def groups(position: tuple[float, ...], slope: float) -> Dataset:
    """The functional groups of a frame of an enhanced file."""
    made, place, values = Dataset(), Dataset(), Dataset()
    place.ImagePositionPatient = list(position)
    values.RescaleSlope, values.RescaleIntercept = slope, 1
    made.PlanePositionSequence, made.PixelValueTransformationSequence = Sequence([place]), Sequence([values])
    return made


def test_frames_of_an_enhanced_file_are_sorted_by_their_place(tmp_path: Path) -> None:
    volume, places = phantom(3), (4.0, 0.0, 2.0)
    made = slice_of(volume[0], position=None, NumberOfFrames=3)
    made.PixelData = volume.tobytes()
    shared, plane, measures = Dataset(), Dataset(), Dataset()
    plane.ImageOrientationPatient, measures.PixelSpacing = [1, 0, 0, 0, 1, 0], [0.5, 0.7]
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = Sequence([plane]), Sequence([measures])
    made.SharedFunctionalGroupsSequence = Sequence([shared])
    made.PerFrameFunctionalGroupsSequence = Sequence([groups((0, 0, z), k + 1) for k, z in enumerate(places)])
    found = open_volume(save(made, tmp_path / "a.dcm"))
    for index, frame in enumerate((1, 2, 0)):
        np.testing.assert_allclose(found.values(index)[..., 0], volume[frame] * (frame + 1.0) + 1)
    np.testing.assert_allclose(found.grid.voxel, (0.7, 0.5, 2))
    assert not found.single


@pytest.mark.parametrize("spacing", [2.5, -2.5])
def test_slices_of_a_spect_volume_follow_from_the_first(tmp_path: Path, spacing: float) -> None:
    """PS3.3, C.8.4.15: behind the first slice, along the normal, or before it with a negative spacing."""
    volume = phantom(3)
    made = slice_of(volume[0], "NM", position=None, NumberOfFrames=3, SpacingBetweenSlices=spacing)
    made.ImageType, made.PixelSpacing = ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"], [1, 1]
    made.PixelData = volume.tobytes()
    detector = Dataset()
    detector.ImagePositionPatient, detector.ImageOrientationPatient = [1, 2, 3], [1, 0, 0, 0, 1, 0]
    made.DetectorInformationSequence = Sequence([detector])
    found = open_volume(save(made, tmp_path / "a.dcm"))
    order = (0, 1, 2) if spacing > 0 else (2, 1, 0)
    for index, frame in enumerate(order):
        np.testing.assert_array_equal(found.values(index)[..., 0], volume[frame])
        np.testing.assert_allclose(found.grid.origins[index], (-1, -2, 3 + frame * spacing))


def test_frames_without_a_place_stay_in_order(tmp_path: Path) -> None:
    volume = phantom(3)
    made = slice_of(volume[0], NumberOfFrames=3)  # its one position is not said to be that of any frame
    made.PixelData = volume.tobytes()
    found = open_volume(save(made, tmp_path / "a.dcm"))
    assert found.grid.origins is None
    np.testing.assert_array_equal([found.values(index)[..., 0] for index in range(3)], volume)
    with pytest.raises(SourceError, match="volume of 3 slices"):
        open_source(tmp_path / "a.dcm")


def test_files_without_a_preamble_are_known_by_their_name(tmp_path: Path) -> None:
    made = slice_of(PIXELS)
    path = tmp_path / "old.dcm"
    body = Dataset({element.tag: element for element in made})
    pydicom.dcmwrite(path, body, implicit_vr=True, little_endian=True, enforce_file_format=False)
    assert path.read_bytes()[128:132] != b"DICM"
    np.testing.assert_array_equal(open_volume(path).values(0)[..., 0], PIXELS)


def test_a_file_that_begins_like_a_tiff_is_dicom_all_the_same(tmp_path: Path) -> None:
    path = save(slice_of((PIXELS // 4).astype(np.uint8)), tmp_path / "a")
    path.write_bytes(b"II*\0" + path.read_bytes()[4:])
    np.testing.assert_array_equal(open_source(path).read(Window(0, 0, *PIXELS.shape))[..., 0], PIXELS // 4)


def structured(kind: str) -> Dataset:
    made = slice_of(PIXELS)
    made.SOPClassUID = kind
    for name in ("Rows", "Columns", "PixelData", "BitsAllocated"):
        delattr(made, name)
    return made


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("1.2.840.10008.1.3.10", "DICOMDIR"),
        ("1.2.840.10008.5.1.4.1.1.88.22", "Enhanced SR Storage"),
        ("1.2.840.10008.5.1.4.1.1.481.3", "RT Structure Set Storage"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "Encapsulated PDF Storage"),
        ("1.2.3.4.5", "no picture;"),
    ],
)
def test_what_is_no_picture_is_told(tmp_path: Path, kind: str, words: str) -> None:
    path = save(structured(kind), tmp_path / "a.dcm")
    with pytest.raises(SourceError, match=words):
        open_volume(path)


@pytest.mark.parametrize("tag", [b"\x28\x00\x01\x01", b"\x28\x00\x03\x01", b"\x28\x00\x00\x01"])
def test_an_entry_of_a_wrong_length_is_told_when_it_is_asked_for(tmp_path: Path, tag: bytes) -> None:
    """Bits stored, pixel representation and bits allocated, of three bytes where there must be an even number."""
    path = save(slice_of(PIXELS), tmp_path / "a.dcm")
    whole = path.read_bytes()
    place = whole.index(tag + b"US")
    path.write_bytes(whole[: place + 6] + b"\x03\x00" + whole[place + 8 : place + 10] + b"\0" + whole[place + 10 :])
    for source in (path, tmp_path):
        with pytest.raises(SourceError, match="cannot be read as DICOM") as told:
            open_volume(source)
        assert told.value.__cause__ is None


def test_damaged_files_are_told_in_words_of_our_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = save(slice_of(PIXELS), tmp_path / "a.dcm")
    whole = path.read_bytes()
    for length in (133, 200, 400, 700, len(whole) - 300):
        path.write_bytes(whole[:length])
        with pytest.raises(SourceError) as told:
            open_volume(path).values(0)
        assert not any(secret in str(told.value).lower() for secret in SECRETS)
        assert told.value.__cause__ is None
    rng = np.random.default_rng(0)
    for _ in range(60):
        broken = bytearray(whole)
        for place in rng.integers(132, 1200, 6):
            broken[place] = rng.integers(256)
        path.write_bytes(broken)
        try:
            open_volume(path).values(0)
        except SourceError as error:
            assert not any(secret in str(error).lower() for secret in SECRETS)
    path.write_bytes(b"\0" * 128 + b"DICM")
    with pytest.raises(SourceError, match="no DICOM file"):
        open_volume(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"PhotometricInterpretation": "HSV"}, "kind that is not taken"),
        ({"NumberOfFrames": 10**7}, "decoded"),
        ({"Rows": 0}, "no picture"),
        ({"Rows": 21}, "damaged"),
    ],
)
def test_headers_that_cannot_be_are_refused(tmp_path: Path, attributes: dict[str, Any], words: str) -> None:
    with pytest.raises(SourceError, match=words):
        opened(tmp_path, PIXELS, **attributes).values(0)


@pytest.mark.parametrize("orientation", [(0, 0, 0, 0, 0, 0), (1, 0, 0, 1, 0, 0), (2, 0, 0, 0, 2, 0)])
def test_directions_that_are_none_tell_no_place(tmp_path: Path, orientation: tuple[int, ...]) -> None:
    assert opened(tmp_path, PIXELS, orientation=orientation).grid.origins is None
    assert opened(tmp_path, PIXELS, orientation=(0.7071, 0.7071, 0, 0, 0, -1)).grid.origins is not None
