"""Archives, whole and hostile: what is wanted comes out, and nothing else happens."""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import tracemalloc
import zipfile
import zlib

import pytest

from lingon.core.errors import DataError
from lingon.data.files import archives as unpack
from lingon.data.files.archives import MOST_MEMBERS, read_members

TEXT = b"seven words are not much to unpack\n" * 11


def tar(*entries, mode="w"):
    """A tar of (name, data) pairs, or of ready TarInfo objects."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                archive.addfile(entry)
                continue
            info = tarfile.TarInfo(entry[0])
            info.size = len(entry[1])
            archive.addfile(info, io.BytesIO(entry[1]))
    return out.getvalue()


def zip_of(*entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return out.getvalue()


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def deb(data, packed):
    """An ar archive with the three members of a Debian package."""
    out = b"!<arch>\n"
    for name, body in (("debian-binary", b"2.0\n"), ("control.tar.xz", b"odd"), (f"data.tar.{packed}", data)):
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(body):<10}`\n".encode() + body + b"\n" * (len(body) % 2)
    return out


def zstd(data):
    import pyarrow as pa

    return pa.compress(data, codec="zstd", asbytes=True)


def read(tmp_path, data, wanted=".*", inner=None):
    path = tmp_path / "it"
    path.write_bytes(data)
    before = set(tmp_path.rglob("*"))
    try:
        return list(read_members(path, wanted, inner))
    finally:
        assert set(tmp_path.rglob("*")) == before  # nothing lands anywhere


PLAIN = tar(("a/one.txt", TEXT), ("a/two.md", b"no"))


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        gzip.compress(PLAIN),
        bz2.compress(PLAIN),
        lzma.compress(PLAIN),
        zip_of(("a/one.txt", TEXT), ("a/two.md", b"no")),
        deb(lzma.compress(tar(("./a/one.txt", TEXT))), "xz"),
        deb(zstd(tar(("./a/one.txt", TEXT))), "zst"),
        deb(gzip.compress(tar(("./a/one.txt", TEXT), special("b", tarfile.SYMTYPE, "a"))), "gz"),
    ],
    ids=["tar", "tgz", "bz2", "xz", "zip", "deb-xz", "deb-zst", "deb-with-a-link"],
)
def test_only_wanted_members_come_out(tmp_path, data):
    assert read(tmp_path, data, r".*\.txt") == [("a/one.txt", TEXT)]


def test_an_archive_inside_an_archive(tmp_path):
    inner = gzip.compress(tar(("deep/x.txt", b"3"), ("deep/y.txt", b"5")))
    data = gzip.compress(tar(("p/inner.tar.gz", inner)))
    assert read(tmp_path, data, r"p/inner\.tar\.gz", r"deep/y\.txt") == [("deep/y.txt", b"5")]


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "..\\x", "C:\\x", "\\x"])
@pytest.mark.parametrize("make", [tar, zip_of], ids=["tar", "zip"])
def test_names_that_lead_out_are_refused(tmp_path, make, name):
    with pytest.raises(DataError, match="points outside the archive"):
        read(tmp_path, make(("good.txt", b"1"), (name, b"2")))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path, kind):
    with pytest.raises(DataError, match="'x' is a link, a device"):
        read(tmp_path, tar(special("x", kind, "/etc/passwd")))


def test_a_wanted_link_of_a_deb_is_refused(tmp_path):
    with pytest.raises(DataError, match="is a link"):
        read(tmp_path, deb(gzip.compress(tar(special("x", tarfile.SYMTYPE, "/etc/passwd"))), "gz"))


def test_a_link_in_a_zip_is_refused(tmp_path):
    info = zipfile.ZipInfo("x")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(DataError, match="'x' is a link"):
        read(tmp_path, zip_of((info, b"/etc/passwd")))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("make", [tar, zip_of], ids=["tar", "zip"])
@pytest.mark.parametrize("again", ["a/x", "./a/x", "a//x"])
def test_duplicate_names_are_refused(tmp_path, make, again):
    with pytest.raises(DataError, match="occurs twice"):
        read(tmp_path, make(("a/x", b"1"), (again, b"2")))


def zeros(count, level=9):
    """`count` zeros by deflate, made a megabyte at a time: the packed megabyte repeats, so it is packed once."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    head = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + again * (count // (1 << 20) - 1) + b"\x03\x00"


def zip_bomb():
    """10 GB of zeros in 10 MB: deflate cannot gain more than a factor of 1,032."""
    packed, size = zeros(10 << 30), 10 << 30
    name, sizes = b"x", len(packed).to_bytes(4, "little") + (0xFFFFFFFF).to_bytes(4, "little")
    big = (1).to_bytes(2, "little") + (8).to_bytes(2, "little") + size.to_bytes(8, "little")
    head = b"\x14\x00\x00\x00\x08\x00" + bytes(8) + sizes + (1).to_bytes(2, "little") + (12).to_bytes(2, "little")
    local = b"PK\x03\x04" + head + name + big
    central = b"PK\x01\x02\x14\x00" + head + bytes(14) + name + big
    start = len(local) + len(packed)
    count = (1).to_bytes(2, "little")
    end = b"PK\x05\x06" + bytes(4) + count + count + len(central).to_bytes(4, "little") + start.to_bytes(4, "little")
    return local + packed + central + end + bytes(2)


def tar_of_zeros(size):
    """The beginning of a tar with one member of `size` zeros."""
    info = tarfile.TarInfo("x")
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


def twice_packed_bomb():
    """10 GB of zeros in about 30 kB: bzip2 of a tar gains a factor of a million where deflate stops at a thousand."""
    packer, out = bz2.BZ2Compressor(9), io.BytesIO()
    out.write(packer.compress(tar_of_zeros(10 << 30)))
    for _ in range(64):
        out.write(packer.compress(bytes(1 << 20)))
    out.write(packer.flush())
    return out.getvalue()


def sparse_bomb():
    """10 GB of holes in one kilobyte: the old GNU header says that the file is sparse."""
    info = tarfile.TarInfo("x")
    info.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"00000000000\x0000000000000\x00"[:24]
    header[483:495] = f"{10 << 30:011o}\0".encode() if 10 << 30 < 8**11 else b"77777777777\0"
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return bytes(header) + bytes(1024)


@pytest.mark.parametrize("bomb", [zip_bomb, twice_packed_bomb, sparse_bomb])
def test_bombs_are_refused_before_they_take_memory(tmp_path, bomb):
    data = bomb()
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"refused as a bomb|more than .* bytes|holes"):
            read(tmp_path, data, "x")
        assert tracemalloc.get_traced_memory()[1] < len(data) + (32 << 20)
    finally:
        tracemalloc.stop()


def test_a_bomb_is_refused_even_when_it_is_only_passed_over(tmp_path):
    with pytest.raises(DataError, match="refused as a bomb"):
        read(tmp_path, twice_packed_bomb(), "y")


def test_a_million_entries_are_refused(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=f"more than {MOST_MEMBERS:,} members"):
        read(tmp_path, million_zip())
    monkeypatch.setattr(unpack, "MOST_MEMBERS", 211)
    assert len(read(tmp_path, tar(*((f"{i}", b"") for i in range(211))))) == 211
    with pytest.raises(DataError, match="more than 211 members"):
        read(tmp_path, tar(*((f"{i}", b"") for i in range(212))))


def million_zip():
    """A directory of a million entries that all point at the same empty member."""
    local = b"PK\x03\x04\x14" + bytes(25)
    entries = b"".join(
        b"PK\x01\x02\x14\x00\x14" + bytes(21) + (7).to_bytes(2, "little") + bytes(16) + f"{i:07}".encode()
        for i in range(1_000_000)
    )
    count = (0xFFFF).to_bytes(2, "little")
    end = b"PK\x05\x06" + bytes(4) + count + count + len(entries).to_bytes(4, "little")
    return local + entries + end + len(local).to_bytes(4, "little") + bytes(2)


@pytest.mark.parametrize(
    "data",
    [
        PLAIN[:700],  # inside the first member
        *(whole[: len(whole) // 2] for whole in (gzip.compress(PLAIN), lzma.compress(PLAIN), zip_of(("a.txt", TEXT)))),
    ],
    ids=["tar", "tgz", "xz", "zip"],
)
def test_an_archive_cut_short_is_refused(tmp_path, data):
    with pytest.raises(DataError, match="broken archive"):
        read(tmp_path, data)


def test_no_archive_at_all(tmp_path):
    with pytest.raises(DataError, match="broken archive"):
        read(tmp_path, b"just text, and quite a bit of it " * 31)
