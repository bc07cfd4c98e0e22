"""Pictures that people upload: what is kept of them, and what is refused before it costs anything."""

from io import BytesIO
from struct import pack
from zlib import crc32

import pytest
from PIL import Image

from accounts.models import User
from core.errors import Invalid
from core.values import BadValue
from publisher import operations
from publisher.models import Thumbnail
from publisher.thumbnails import EDGE, MOST_BYTES, clean_thumbnail
from tests.publisher.builders import LATER, NOW, make_api, picture, verbs


@pytest.mark.parametrize(
    ("form", "mode"),
    [
        ("PNG", "RGB"),
        ("PNG", "RGBA"),
        ("PNG", "I;16"),
        ("JPEG", "RGB"),
        ("JPEG", "CMYK"),
        ("GIF", "P"),
        ("WEBP", "RGB"),
    ],
)
def test_a_picture_of_any_kind_becomes_a_small_one(form: str, mode: str) -> None:
    kept = Image.open(BytesIO(clean_thumbnail(picture(form, (1000, 500), mode))))
    assert (kept.format, kept.size) == ("WEBP", (EDGE, EDGE // 2))


def test_nothing_of_the_file_itself_is_kept() -> None:
    file, exif = BytesIO(), Image.Exif()
    exif[0x010E] = "taken at home"
    Image.new("RGB", (20, 20)).save(file, "JPEG", exif=exif)
    file.write(b"<?php echo 1; ?>")
    kept = clean_thumbnail(file.getvalue())
    assert b"taken at home" not in kept
    assert b"php" not in kept


def _header(width: int, height: int) -> bytes:
    """The beginning of a PNG that says it is this large."""
    head = b"IHDR" + pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + pack(">I", 13) + head + pack(">I", crc32(head)) + b"\0\0\0\0IDAT"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "no picture"),
        (b"<script>alert(1)</script>", "no picture"),
        (b"\x89PNG\r\n\x1a\n", "no picture"),
        (picture()[:-40], "no picture"),
        (_header(4000, 4000), "megapixels"),
        (_header(30_000, 30_000), "picture"),
        (b"x" * (MOST_BYTES + 1), "at most 1 MiB"),
    ],
)
def test_what_is_no_picture_or_too_large_a_one_is_refused_with_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(BadValue, match=sentence):
        clean_thumbnail(content)


def test_a_picture_is_given_copied_to_a_new_version_and_taken_away(alice: User) -> None:
    api = operations.set_thumbnail(api=make_api(alice), content=picture(), actor=alice, now=NOW)
    copy = operations.create_version(api=api, version="2.0.0", actor=alice, now=LATER)
    assert copy.thumbnail == api.thumbnail != ""
    assert Thumbnail.objects.get(api=copy).image == Thumbnail.objects.get(api=api).image

    without = operations.remove_thumbnail(api=api, actor=alice, now=LATER)
    assert (without.thumbnail, Thumbnail.objects.filter(api=api).exists()) == ("", False)
    assert verbs(api) == ["api.created", "api.updated", "api.updated"]


def test_the_same_picture_again_changes_nothing(alice: User) -> None:
    api = operations.set_thumbnail(api=make_api(alice), content=picture(), actor=alice, now=NOW)
    assert operations.set_thumbnail(api=api, content=picture(), actor=alice, now=LATER).updated_at == api.updated_at


def test_a_refused_picture_leaves_the_one_before(alice: User) -> None:
    api = operations.set_thumbnail(api=make_api(alice), content=picture(), actor=alice, now=NOW)
    with pytest.raises(Invalid) as refusal:
        operations.set_thumbnail(api=api, content=b"nonsense", actor=alice, now=LATER)
    assert list(refusal.value.fields) == ["thumbnail"]
    assert Thumbnail.objects.filter(api=api).exists()
