"""A picture that somebody uploads, as the small one that is kept. Pure.

What a file is says its content, not its name. It is read only if its size in bytes and in pixels is bounded, drawn anew
within EDGE × EDGE pixels, and written as WebP: nothing of the file itself is kept.
"""

from __future__ import annotations

from hashlib import sha256
from io import BytesIO
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from core.text import byte_size
from core.values import BadValue

FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF")
MEDIA_TYPE: Final = "image/webp"
MOST_BYTES, MOST_PIXELS, EDGE = 1 << 20, 8_000_000, 256
FAULTS: Final = (
    *(UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, MemoryError),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)
"""What Pillow raises of files that are cut off, damaged or made to hurt."""


def clean_thumbnail(content: bytes) -> bytes:
    """The picture as it is kept. Raises BadValue for what is no picture, or too large a one."""
    if not content:
        raise BadValue("This file is empty. Choose a picture.")
    if len(content) > MOST_BYTES:
        raise BadValue(f"A picture has at most {byte_size(MOST_BYTES)}; this one has {byte_size(len(content))}.")
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as picture:
            width, height = picture.size  # of the header: no pixel has been read
            if width * height > MOST_PIXELS:
                raise BadValue(
                    f"A picture has at most {MOST_PIXELS // 1_000_000} megapixels; this one is {width} × {height}."
                )
            picture.draft("RGB", (2 * EDGE, 2 * EDGE))
            upright = ImageOps.exif_transpose(picture)
            small = ImageOps.contain(upright.convert("RGBA"), (EDGE, EDGE))
            kept = BytesIO()
            small.save(kept, "WEBP", quality=85, exif=b"", icc_profile=b"")
    except BadValue:
        raise
    except FAULTS:
        raise BadValue("This is no picture that can be read. Choose a PNG, JPEG, WebP or GIF file.") from None
    return kept.getvalue()


def digest(thumbnail: bytes) -> str:
    """A short name of a kept picture, for its address and its ETag."""
    return sha256(thumbnail).hexdigest()[:20]
