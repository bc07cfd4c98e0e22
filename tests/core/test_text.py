"""Numbers and durations in words."""

import pytest

from core import durations, text


def test_thousands_are_set_apart() -> None:
    assert text.count(1204881, "message") == "1\u202f204\u202f881 messages"


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (1, "1 byte"),
        (1000, "1_000 bytes"),
        (1024, "1 KiB"),
        (1536, "1_536 bytes"),
        (64 << 20, "64 MiB"),
        (1 << 41, "2_048 GiB"),
    ],
)
def test_bytes_are_said_in_the_largest_unit_that_is_exact(octets: int, words: str) -> None:
    assert text.byte_size(octets) == words.replace("_", text.THIN_SPACE)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (3600, "1 hour"),
        (5400, "1 hour 30 minutes"),
        (90061, "1 day 1 hour"),
        (172800, "2 days"),
    ],
)
def test_durations_in_words(seconds: int, words: str) -> None:
    assert durations.in_words(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, ""),
        (59.9, ""),
        (60, "1 minute"),
        (7199, "1 hour"),
        (7200, "2 hours"),
        (86_400 * 15, "2 weeks"),
        (4e7, "1 year"),
    ],
)
def test_rough_durations_name_one_unit(seconds: float, words: str) -> None:
    assert durations.roughly(seconds) == words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ökostrom", "ökostrom"),
        ("CÉDRIC", "Ce\u0301dric"),
        ("Ｅｃｈｏ", "echo"),
        ("STRASSE", "straße"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("Захар", "ЗАХАР"),
        ("ﬁle", "FILE"),
    ],
)
def test_what_people_take_for_the_same_folds_to_the_same(one: str, other: str) -> None:
    assert text.fold(one) == text.fold(other)


def test_different_letters_stay_different() -> None:
    assert len({text.fold(word) for word in ("o", "ö", "Ø", "о")}) == 4  # the last is Cyrillic


def test_folding_what_is_folded_changes_nothing() -> None:
    letters = [chr(code) for code in range(0x30000) if not 0xD800 <= code < 0xE000]
    assert [letter for letter in letters if text.fold(text.fold(letter)) != text.fold(letter)] == []


def test_words_are_listed_as_in_a_sentence() -> None:
    assert [text.listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_of_many_words_the_first_are_listed_and_the_rest_is_a_number() -> None:
    assert [text.listed(list(words), 5) for words in ("A", "AB", "ABCDE", "ABCDEFG")] == [
        *("A", "A and B", "A, B, C, D and E", "A, B, C, D, E and 2 more"),
    ]


@pytest.mark.parametrize("words", ["chat", "می‌خواهم", "👩‍👩‍👧 family", "क्‍ष", "漢字 🚀"])
def test_what_joins_or_parts_two_characters_that_are_seen_is_part_of_a_word(words: str) -> None:
    assert text.is_seen(words)


@pytest.mark.parametrize(
    "words", ["a\u200db", "👩\u200d", "\u200c漢", "漢\u200d\u200d字", "a\u202eb", "a\nb", "a\u200bb"]
)
def test_what_nobody_sees_is_part_of_no_word(words: str) -> None:
    assert not text.is_seen(words)
