"""Images of the user: what each kind of file becomes, and what is refused."""

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest

from lingon.core.errors import DataError, UserError
from lingon.data.class_folders import read_class_folders
from lingon.data.files import image_memory
from lingon.data.files.images import MOST_PIXELS, fit_image, image_paths, read_image, resize_image, save_image

Image = pytest.importorskip("PIL.Image")
PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)


def saved(image, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, **options)
    return file.getvalue()


def test_a_png_is_read_as_it_was_written(tmp_path):
    path = save_image(tmp_path / "a.png", PIXELS)
    np.testing.assert_array_equal(read_image(path), PIXELS)
    assert read_image(path, "L").shape == (5, 7, 1)


def test_sixteen_bits_are_their_high_bytes():
    wide = np.arange(35, dtype=np.uint16).reshape(5, 7) * 1800
    found = read_image(saved(Image.fromarray(wide), format="PNG"), "L")
    np.testing.assert_array_equal(found[..., 0], (wide // 256).astype(np.uint8))


def test_what_is_transparent_lies_on_white():
    clear = np.dstack([np.zeros((5, 7, 3), np.uint8), np.full((5, 7), 0, np.uint8)])
    found = read_image(saved(Image.fromarray(clear), format="PNG"))
    assert (found == 255).all()
    assert read_image(saved(Image.fromarray(clear), format="PNG"), "RGBA")[..., 3].max() == 0


def test_cmyk_and_palettes_become_rgb():
    cmyk = Image.fromarray(PIXELS).convert("CMYK")
    assert read_image(saved(cmyk, format="JPEG")).shape == (5, 7, 3)
    assert read_image(saved(Image.fromarray(PIXELS).quantize(8), format="PNG")).shape == (5, 7, 3)


def test_the_rotation_of_a_camera_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # the picture is to be turned by 90 degrees clockwise
    data = saved(Image.fromarray(PIXELS), format="PNG", exif=exif)
    np.testing.assert_array_equal(read_image(data), np.rot90(PIXELS, -1))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
def test_a_file_that_is_cut_off_is_refused_by_name(format, tmp_path):
    data = saved(Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)), format=format)
    (tmp_path / "cut").write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match="cut: "):
        read_image(tmp_path / "cut")


@pytest.mark.parametrize("data", [b"", b"no image", b"\x89PNG\r\n\x1a\n", b"<svg></svg>", b"\xff\xd8\xff"])
def test_what_is_no_image_is_refused(data):
    with pytest.raises(DataError, match="photo"):
        read_image(data, name="photo.jpg")


def test_a_bomb_is_refused_before_it_is_unpacked():
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    for side in (60_000, int(MOST_PIXELS**0.5) + 1, 10_000):
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000)))
        with pytest.raises(DataError, match=r"bomb.png: .*pixels"):
            read_image(bomb, name="bomb.png")


def test_mutated_files_are_refused_or_read():
    data = saved(Image.fromarray(PIXELS), format="JPEG")
    random = np.random.default_rng(2)
    for _ in range(300):
        hurt = bytearray(data)
        for place in random.integers(0, len(data), 5):
            hurt[place] = random.integers(0, 256)
        with contextlib.suppress(DataError):  # any other error fails
            assert read_image(bytes(hurt), name="hurt.jpg").dtype == np.uint8


def test_sizes_are_fitted():
    wide = np.zeros((20, 40, 3), np.uint8)
    wide[:, :10] = 200
    assert (fit_image(wide, 10, 10, "crop")[:, 1:] == 0).all()  # the middle 20 x 20, whose edge is blended
    padded = fit_image(wide, 10, 10, "pad")
    assert (padded[:2] == 255).all()
    assert (padded[-2:] == 255).all()
    assert (padded[4, 0] == 200).all()
    assert fit_image(wide, 11, 13, "stretch").shape == (11, 13, 3)
    assert resize_image(np.zeros((5, 7, 1), np.uint8), 3, 2).shape == (3, 2, 1)


def test_paths_are_files_and_what_folders_hold(tmp_path):
    for name in ("b.png", "a/c.JPG", "a/readme.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert [p.name for p in image_paths([str(tmp_path)])] == ["c.JPG", "b.png"]
    with pytest.raises(UserError, match="there is no file"):
        image_paths([str(tmp_path / "none.png")])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="has no images"):
        image_paths([str(tmp_path / "empty")])
    with pytest.raises(UserError, match="expected one of"):
        save_image(tmp_path / "a.txt", PIXELS)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = save_image(tmp_path / "large.png", PIXELS)
    size = path.stat().st_size
    monkeypatch.setattr("lingon.data.files.images.MOST_BYTES", size)
    assert read_image(path).shape == PIXELS.shape
    monkeypatch.setattr("lingon.data.files.images.MOST_BYTES", size - 1)
    with pytest.raises(DataError, match=r"large\.png: .* MB at most"):
        read_image(path)


def test_a_folder_of_more_pixels_than_memory_holds_is_refused_at_its_first_image(tmp_path, monkeypatch):
    for label, shape in {"cat": (7, 5, 3), "dog": (7, 5, 3)}.items():
        (tmp_path / label).mkdir()
        save_image(tmp_path / label / "1.png", np.full(shape, 9, np.uint8))
    monkeypatch.setattr(image_memory, "MOST_BYTES", 2 * 7 * 5 * 3)
    assert len(read_class_folders(tmp_path)[0]) == 2
    monkeypatch.setattr(image_memory, "MOST_BYTES", 2 * 7 * 5 * 3 - 1)
    with pytest.raises(DataError, match="2 images of 7 x 5 pixels are more than 4 GB; give a smaller --image-size"):
        read_class_folders(tmp_path)
