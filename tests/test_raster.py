"""Pictures: what is read is what was written, and everything else is one clear sentence."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from palpate.errors import FormatError
from palpate.image import Calibration
from palpate.io.images import find_images, is_dicom, read_image, read_size, read_thumbnail

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (30, 41), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (30, 41), dtype=np.uint16)
COLOUR = RNG.integers(0, 256, (30, 41, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_eight_bits_come_back(tmp_path, suffix):
    file = tmp_path / f"a.{suffix}"
    Pillow.fromarray(GREY).save(file)
    image = read_image(file, identifier="x")
    assert image.pixels.dtype == np.uint8
    assert np.array_equal(image.pixels, GREY[None])
    assert image.identifier == "x"
    assert image.size == (41, 30) == read_size(file)
    assert image.calibration is None


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_stay_sixteen_bits(tmp_path, suffix):
    file = tmp_path / f"a.{suffix}"
    Pillow.fromarray(DEEP).save(file)
    image = read_image(file, identifier="x")
    assert image.pixels.dtype == np.uint16
    assert np.array_equal(image.pixels[0], DEEP)


def test_colour_is_channel_first(tmp_path):
    Pillow.fromarray(COLOUR).save(tmp_path / "a.png")
    pixels = read_image(tmp_path / "a.png", identifier="x").pixels
    assert np.array_equal(pixels, COLOUR.transpose(2, 0, 1))


def test_a_jpeg_is_told_by_its_content_and_not_by_its_name(tmp_path):
    Pillow.fromarray(GREY).save(tmp_path / "a.jpg", quality=95)
    (tmp_path / "a.jpg").rename(tmp_path / "a.dcm")
    assert not is_dicom(tmp_path / "a.dcm")
    assert read_image(tmp_path / "a.dcm", identifier="x").provenance["format"] == "JPEG"


def test_a_grey_palette_becomes_grey_and_a_colour_palette_rgb(tmp_path):
    Pillow.fromarray(GREY).convert("P").save(tmp_path / "grey.png")
    Pillow.fromarray(COLOUR).convert("P").save(tmp_path / "colour.png")
    grey = read_image(tmp_path / "grey.png", identifier="x")
    assert np.array_equal(grey.pixels, GREY[None])
    assert read_image(tmp_path / "colour.png", identifier="x").pixels.shape == (3, 30, 41)
    assert grey.provenance["colour"] == "palette resolved"


def test_alpha_is_laid_over_black_and_an_opaque_one_is_dropped(tmp_path):
    see_through = np.dstack([COLOUR, np.where(GREY < 128, 0, 255).astype(np.uint8)])
    Pillow.fromarray(see_through).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png", identifier="x")
    wanted = np.where(GREY[..., None] < 128, 0, COLOUR).transpose(2, 0, 1)
    assert np.array_equal(image.pixels, wanted)
    assert image.provenance["alpha"] == "laid over black"
    Pillow.fromarray(np.dstack([COLOUR, np.full_like(GREY, 255)])).save(tmp_path / "b.png")
    image = read_image(tmp_path / "b.png", identifier="x")
    assert np.array_equal(image.pixels, COLOUR.transpose(2, 0, 1))
    assert image.provenance["alpha"] == "opaque, dropped"


def test_cmyk_becomes_rgb_and_says_so(tmp_path):
    Pillow.fromarray(np.full((20, 20, 3), (200, 40, 90), np.uint8)).convert("CMYK").save(
        tmp_path / "a.jpg", quality=100
    )
    image = read_image(tmp_path / "a.jpg", identifier="x")
    assert np.abs(image.pixels.mean(axis=(1, 2)) - (200, 40, 90)).max() < 8
    assert "CMYK" in image.provenance["colour"]


def test_sixteen_bit_colour_says_that_it_lost_depth(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), RNG.integers(0, 65536, (9, 9, 3), dtype=np.uint16))
    assert "8-bit" in read_image(tmp_path / "a.png", identifier="x").provenance["depth"]


def test_a_film_that_counts_from_white_is_inverted_so_that_bright_is_dense(tmp_path):
    Pillow.fromarray(DEEP).save(tmp_path / "a.tif", tiffinfo={262: 0})
    image = read_image(tmp_path / "a.tif", identifier="x")
    assert np.array_equal(image.pixels[0], 65535 - DEEP)
    assert "inverted" in image.provenance


def test_the_resolution_of_a_print_is_no_calibration(tmp_path):
    Pillow.fromarray(GREY).save(tmp_path / "a.png", dpi=(300, 300))
    image = read_image(tmp_path / "a.png", identifier="x")
    assert image.calibration is None
    assert "dpi" in image.provenance["resolution"]
    given = Calibration((0.1, 0.2), "user")
    assert read_image(tmp_path / "a.png", identifier="x", calibration=given).calibration == given


def _turned(folder):
    exif = Pillow.Exif()
    exif[0x0112] = 6
    Pillow.fromarray(GREY).save(folder / "bad.jpg", exif=exif)
    return folder / "bad.jpg"


def _pages(folder):
    one = Pillow.fromarray(GREY)
    one.save(folder / "bad.tif", save_all=True, append_images=[one, one])
    return folder / "bad.tif"


def _floating(folder):
    Pillow.fromarray(GREY.astype(np.float32)).save(folder / "bad.tif")
    return folder / "bad.tif"


def _deeper(folder):
    Pillow.fromarray(np.array([[0, 1 << 20]], dtype=np.int32)).save(folder / "bad.tif")
    return folder / "bad.tif"


def _empty(folder):
    (folder / "bad.png").write_bytes(b"")
    return folder / "bad.png"


def _prose(folder):
    (folder / "bad.png").write_text("this is a letter, not a film")
    return folder / "bad.png"


def _missing(folder):
    return folder / "bad.png"


def _huge(folder):
    """A PNG whose header declares 20,000 x 20,000 pixels and which holds none."""

    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"")
    (folder / "bad.png").write_bytes(content + chunk(b"IEND", b""))
    return folder / "bad.png"


def _large(folder):
    """Between our limit and the one at which the library itself refuses."""
    path = _huge(folder)
    content = path.read_bytes().replace(
        struct.pack(">II", 20_000, 20_000), struct.pack(">II", 11_000, 10_000)
    )
    header = content[12:29]
    path.write_bytes(content[:29] + struct.pack(">I", zlib.crc32(header)) + content[33:])
    return path


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_turned, "EXIF orientation 6"),
        (_pages, "3 pages"),
        (_floating, "32-bit floating point"),
        (_deeper, "beyond 16 bits"),
        (_empty, "empty"),
        (_prose, "not a PNG"),
        (_missing, "no such file"),
        (_huge, "178 million"),
        (_large, "11000 x 10000"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_with_the_file(tmp_path, make, said):
    path = make(tmp_path)
    with pytest.raises(FormatError, match=said) as caught:
        read_image(path, identifier="x")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "deep.tif", "deep.png"])
def test_a_file_cut_anywhere_is_refused(tmp_path, name):
    whole = tmp_path / name
    Pillow.fromarray(DEEP if name.startswith("deep") else GREY).save(whole)
    content = whole.read_bytes()
    for share in (0.01, 0.05, 0.2, 0.5, 0.8, 0.97):
        cut = tmp_path / f"cut{whole.suffix}"
        cut.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(FormatError):
            read_image(cut, identifier="x")
        with pytest.raises(FormatError):
            read_thumbnail(cut, 16)


def test_a_folder_given_for_an_image_is_refused(tmp_path):
    with pytest.raises(FormatError, match="cannot be read"):
        read_image(tmp_path, identifier="x")


def test_images_are_found_by_kind_in_order_and_hidden_ones_are_not(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("b.PNG", "a.jpg", "sub/c.tif", ".hidden.png", "notes.txt", "readme"):
        (tmp_path / name).write_bytes(b"x")
    found = [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path)]
    assert found == ["a.jpg", "b.PNG", "sub/c.tif"]
    with pytest.raises(FormatError, match="no such folder"):
        find_images(tmp_path / "nowhere")


def test_a_thumbnail_is_the_picture_made_small(tmp_path):
    x = np.tile(np.linspace(0, 1, 400), (300, 1))
    for name, values in (
        ("a.jpg", (x * 200).astype(np.uint8)),
        ("b.png", (x * 60000).astype(np.uint16)),
    ):
        Pillow.fromarray(values).save(tmp_path / name)
        small, size = read_thumbnail(tmp_path / name, 40)
        assert size == (400, 300)
        assert small.shape == (30, 40)
        assert np.abs(small.mean(axis=0) - np.linspace(0, 255, 40)).max() < 5
