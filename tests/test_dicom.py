"""DICOM: bright is dense, spacing is (x, y) and in the plane that the tags allow."""

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.sequence import Sequence
from pydicom.uid import (
    MPEG2MPML,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEGLSLossless,
    generate_uid,
)

from palpate.errors import FormatError
from palpate.image import Calibration
from palpate.io.dicom import MAX_BYTES, read_dicom, read_dicom_calibration, read_dicom_header
from palpate.io.images import is_dicom, read_calibration, read_image, read_size, read_thumbnail

STORED = np.random.default_rng(0).integers(0, 4096, (30, 41), dtype=np.uint16)


def _film(pixels=STORED, **tags):
    """A digital radiograph of 12 bits with what the test adds; None takes a tag away."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = DigitalXRayImageStorageForPresentation
    data.SOPInstanceUID = generate_uid()
    data.PatientID = "12345"
    data.PatientName = "Doe^Jane"
    data.Modality = "DX"
    data.PhotometricInterpretation = "MONOCHROME2"
    data.SamplesPerPixel = 1
    data.Rows, data.Columns = pixels.shape[:2]
    data.BitsAllocated = pixels.dtype.itemsize * 8
    data.BitsStored = 12 if pixels.dtype.itemsize == 2 else 8
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = int(pixels.dtype.kind == "i")
    data.PixelData = pixels.tobytes()
    for keyword, value in tags.items():
        if value is None:
            delattr(data, keyword)
        else:
            setattr(data, keyword, value)
    return data


@pytest.fixture
def save(tmp_path):
    def write(data, name="a.dcm"):
        data.save_as(tmp_path / name, enforce_file_format=True)
        return tmp_path / name

    return write


def test_values_size_and_side_are_read_and_the_name_is_not(save):
    path = save(_film(ImageLaterality="L", ViewPosition="AP", WindowCenter=["40", "50"]))
    image = read_image(path, identifier="x")
    assert np.array_equal(image.pixels, STORED[None])
    assert image.pixels.dtype == np.uint16
    assert image.size == (41, 30) == read_size(path)
    assert image.laterality == "L"
    assert image.provenance["ViewPosition"] == "AP"
    assert image.provenance["WindowCenter"] == "40\\50"
    assert len(image.provenance["patient"]) == 16
    assert not any("Doe" in v or "12345" in v for v in image.provenance.values())


def test_laterality_of_the_series_counts_where_the_image_gives_none(save):
    assert read_dicom(save(_film(Laterality="R")), identifier="x").laterality == "R"
    assert read_dicom(save(_film(ImageLaterality="U")), identifier="x").laterality is None


def test_a_film_where_low_is_white_is_inverted(save):
    path = save(_film(PhotometricInterpretation="MONOCHROME1"))
    image = read_dicom(path, identifier="x")
    assert np.array_equal(image.pixels[0], 4095 - STORED)
    assert "MONOCHROME1" in image.provenance["inverted"]


def test_the_same_film_stored_either_way_is_the_same_image(save):
    first = read_dicom(save(_film(), "a.dcm"), identifier="x")
    other = _film(4095 - STORED, PhotometricInterpretation="MONOCHROME1")
    second = read_dicom(save(other, "b.dcm"), identifier="x")
    assert np.array_equal(first.pixels, second.pixels)


def test_rescale_is_applied_and_negative_values_fit(save):
    image = read_dicom(save(_film(RescaleSlope="2", RescaleIntercept="-1024")), identifier="x")
    assert np.array_equal(image.pixels[0], 2 * STORED.astype(int) - 1024)
    assert image.pixels.dtype == np.int16
    half = read_dicom(save(_film(RescaleSlope="0.5", RescaleIntercept="0")), identifier="x")
    assert half.pixels.dtype == np.float32
    assert np.allclose(half.pixels[0], STORED / 2)


def test_inversion_after_rescale_turns_within_the_rescaled_range(save):
    tags = {"RescaleSlope": "2", "RescaleIntercept": "10"}
    image = read_dicom(save(_film(PhotometricInterpretation="MONOCHROME1", **tags)), identifier="x")
    assert np.array_equal(image.pixels[0], (2 * 4095 + 20) - (2 * STORED.astype(int) + 10))


def test_a_window_is_applied_only_on_request(save):
    path = save(_film(WindowCenter="2000", WindowWidth="1000"))
    assert np.array_equal(read_dicom(path, identifier="x").pixels[0], STORED)
    seen = read_dicom(path, identifier="x", window="file").pixels[0]
    # PS3.3 C.11.2.1.2.1: black up to c - 0.5 - (w - 1) / 2, white from c - 0.5 + (w - 1) / 2.
    assert (seen[STORED <= 1500] == 0).all()
    assert (seen[STORED > 2499] == 65535).all()
    own = read_dicom(path, identifier="x", window=(2000.0, 1000.0)).pixels[0]
    assert np.abs(own.astype(int) - seen).max() < 70
    with pytest.raises(FormatError, match="window"):
        read_dicom(save(_film()), identifier="x", window="file")


def test_padding_takes_the_darkest_value_of_the_film(save):
    framed = STORED.copy()
    framed[:3] = 4095
    inside = STORED[3:]
    image = read_dicom(save(_film(framed, PixelPaddingValue=4095)), identifier="x")
    assert (image.pixels[0, :3] == inside.min()).all()
    assert "padding" in image.provenance


def test_colour_is_channel_first(save):
    colour = np.random.default_rng(1).integers(0, 256, (30, 41, 3), dtype=np.uint8)
    tags = {
        "SamplesPerPixel": 3,
        "PhotometricInterpretation": "RGB",
        "PlanarConfiguration": 0,
    }
    image = read_dicom(save(_film(colour, **tags)), identifier="x")
    assert np.array_equal(image.pixels, colour.transpose(2, 0, 1))


# DICOM writes row distance first: [y, x].
PIXEL, IMAGER = [0.2, 0.1], [0.3, 0.15]


@pytest.mark.parametrize(
    ("tags", "spacing", "plane"),
    [
        ({"PixelSpacing": PIXEL, "ImagerPixelSpacing": IMAGER}, (0.1, 0.2), "patient"),
        ({"PixelSpacing": PIXEL, "ImagerPixelSpacing": PIXEL}, (0.1, 0.2), "detector"),
        (
            {
                "PixelSpacing": PIXEL,
                "ImagerPixelSpacing": PIXEL,
                "PixelSpacingCalibrationType": "GEOMETRY",
            },
            (0.1, 0.2),
            "patient",
        ),
        ({"PixelSpacing": PIXEL, "PixelSpacingCalibrationType": "FIDUCIAL"}, (0.1, 0.2), "patient"),
        ({"PixelSpacing": PIXEL}, (0.1, 0.2), "detector"),
        ({"PixelSpacing": PIXEL, "Modality": "MR"}, (0.1, 0.2), "patient"),
        ({"ImagerPixelSpacing": IMAGER}, (0.15, 0.3), "detector"),
        (
            {"ImagerPixelSpacing": IMAGER, "EstimatedRadiographicMagnificationFactor": "1.5"},
            (0.1, 0.2),
            "patient",
        ),
        ({"NominalScannedPixelSpacing": IMAGER}, (0.15, 0.3), "detector"),
        # The tag is there and empty: nothing is said.
        ({"PixelSpacing": None}, None, None),
    ],
)
def test_spacing_and_plane(save, tags, spacing, plane):
    data = _film()
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    found = read_dicom_calibration(save(data))
    if spacing is None:
        assert found is None
    else:
        assert found.spacing_mm == pytest.approx(spacing)
        assert (found.plane, found.source) == (plane, "dicom")
        assert any(keyword in found.detail for keyword in tags)


def test_ultrasound_is_calibrated_by_its_region(save):
    region = Dataset()
    region.RegionSpatialFormat = 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX, region.PhysicalDeltaY = 0.01, 0.02
    data = _film(Modality="US", SequenceOfUltrasoundRegions=Sequence([region]))
    assert read_dicom_calibration(save(data)).spacing_mm == pytest.approx((0.1, 0.2))
    region.PhysicalDeltaX = 0.0
    with pytest.raises(FormatError, match="PhysicalDelta"):
        read_dicom_calibration(save(data))


@pytest.mark.parametrize(
    ("tags", "tag"),
    [
        ({"PixelSpacing": [0, 0]}, "0028,0030"),
        ({"ImagerPixelSpacing": [0.1, -0.1]}, "0018,1164"),
        (
            {"ImagerPixelSpacing": IMAGER, "EstimatedRadiographicMagnificationFactor": "0"},
            "0018,1114",
        ),
    ],
)
def test_a_spacing_that_is_none_is_refused_unless_another_is_given(save, tags, tag):
    path = save(_film(**tags))
    with pytest.raises(FormatError, match=tag):
        read_image(path, identifier="x")
    with pytest.raises(FormatError, match=tag):
        read_calibration(path)
    given = Calibration((0.1, 0.1), "ruler")
    assert read_image(path, identifier="x", calibration=given).calibration == given


def test_a_file_without_preamble_is_still_dicom(tmp_path):
    data = _film()
    del data.file_meta
    data.save_as(tmp_path / "OLD", implicit_vr=False, little_endian=True)
    assert is_dicom(tmp_path / "OLD")
    assert np.array_equal(read_image(tmp_path / "OLD", identifier="x").pixels[0], STORED)


def test_a_file_that_declares_two_gibibytes_is_refused_before_they_are_read(save):
    path = save(_film(Rows=32768, Columns=32768))
    assert MAX_BYTES < 32768 * 32768 * 2
    with pytest.raises(FormatError, match="2,048 MiB"):
        read_image(path, identifier="x")


def test_several_frames_need_one_named(save):
    frames = np.stack([STORED, STORED // 2])
    data = _film(frames[0], NumberOfFrames=2)
    data.PixelData = frames.tobytes()
    path = save(data)
    with pytest.raises(FormatError, match="2 frames"):
        read_image(path, identifier="x")
    assert np.array_equal(read_dicom(path, identifier="x", frame=1).pixels[0], frames[1])
    with pytest.raises(FormatError, match="not frame 2"):
        read_dicom(path, identifier="x", frame=2)


def test_a_compression_without_its_decoder_names_the_extra(save, monkeypatch):
    data = _film()
    data.file_meta.TransferSyntaxUID = JPEGLSLossless
    data.PixelData = encapsulate([b"\0" * 64])
    data["PixelData"].is_undefined_length = True
    path = save(data)
    decoder = get_decoder(JPEGLSLossless)
    monkeypatch.setattr(type(decoder), "is_available", property(lambda self: False))
    with pytest.raises(FormatError, match=r"palpate\[dicom\]") as caught:
        read_image(path, identifier="x")
    assert "JPEG-LS" in str(caught.value)
    data.file_meta.TransferSyntaxUID = MPEG2MPML
    with pytest.raises(FormatError, match="not read"):
        read_image(save(data), identifier="x")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: _film(PixelData=None), "no PixelData"),
        (lambda: _film(Rows=None), "Rows"),
        (lambda: _film(PixelData=STORED.tobytes()[:100]), "cannot be decoded"),
        (lambda: _film(PhotometricInterpretation=None), "cannot be decoded"),
    ],
)
def test_a_broken_object_is_one_sentence(save, make, said):
    with pytest.raises(FormatError, match=said):
        read_image(save(make()), identifier="x")


def test_a_file_cut_anywhere_is_refused(save, tmp_path):
    content = save(_film()).read_bytes()
    cut = tmp_path / "cut.dcm"
    for share in (0.0, 0.02, 0.05, 0.07, 0.1, 0.15, 0.2, 0.4, 0.6, 0.8, 0.95, 0.999):
        cut.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(FormatError, match=r"cut\.dcm"):
            read_image(cut, identifier="x")


def test_prose_named_dcm_is_refused(tmp_path):
    (tmp_path / "a.dcm").write_text("no film at all, only words, " * 20)
    with pytest.raises(FormatError):
        read_image(tmp_path / "a.dcm", identifier="x")
    with pytest.raises(FormatError, match="no such file"):
        read_dicom_header(tmp_path / "b.dcm")


def test_a_thumbnail_of_dicom(save):
    small, size = read_thumbnail(save(_film()), 20)
    assert size == (41, 30)
    assert max(small.shape) == 20
