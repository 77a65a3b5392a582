"""What the page shows of a token: bytes, characters, names for what cannot be seen; token_text.js in Node."""

import unicodedata

import pytest

from tests.unit.cut_text import cut
from tests.unit.page_texts import NODE, call

pytestmark = pytest.mark.skipif(not NODE, reason="needs Node (make)")


def shown(*pieces: bytes) -> list[str]:
    texts: list[str] = call(["shownTexts", cut(*pieces)])[0]
    return texts


def test_only_a_cut_character_loses_its_shape() -> None:
    flamingo, accent = "🦩".encode(), "é".encode()
    tokens = cut(b"a ", flamingo[:2], flamingo[2:], accent, b" b", flamingo[:3])
    texts, continues, *hexes = call(
        ["shownTexts", tokens], ["continuesCharacter", tokens], *(["hexBytes", tokens, i] for i in range(6))
    )
    assert texts == ["a ", "🦩", "", "é", " b", "�"]
    assert continues == [False, False, True, False, False, False]
    assert hexes == ["61 20", "F0 9F", "A6 A9", "C3 A9", "20 62", "F0 9F A6"]


def test_the_text_of_some_tokens_is_that_of_their_bytes() -> None:
    flamingo = "🦩".encode()
    tokens = cut(b"a ", flamingo[:2], flamingo[2:], "é".encode())
    asked = ((0, 3), (1, 3), (0, 2), (2, 9), (4, 9), (0, 0))
    expected = ["a 🦩", "🦩", "a �", "��é", "", ""]
    assert call(*(["textOf", tokens, *each] for each in asked)) == expected
    assert call(["textOf", {**cut("é".encode(), b"x"), "hex": []}, 0, 1]) == ["é"]


def test_bytes_that_are_no_character_in_the_middle() -> None:
    flamingo = "🦩".encode()
    assert shown(flamingo[:1], flamingo[1:3], b"x", flamingo[:2], flamingo[2:]) == ["�", "", "x", "🦩", ""]
    assert shown(b"\xff", b"\xc3", b"\xa9", "日".encode(), b"\xed\xa0\x80") == ["�", "é", "", "日", "���"]
    assert shown("�".encode(), b"\xe2\x80", "ü".encode()) == ["�", "�", "ü"]
    assert shown(b"\xf4\x90", b"\xe0\x80", b"\xc0\xaf", "👩‍👧".encode()) == ["��", "��", "��", "👩‍👧"]


def test_every_way_of_cutting_broken_bytes_shows_the_text() -> None:
    broken = b"a\xf0\x9f\xa6b\xe3\x81\xc3\xa9\xf0\x9f\xa6\xa9\r\n\xe2\x80\x8d\xff\xcc\x81"
    wanted = broken.decode(errors="replace")
    for width in (1, 2, 3, 5):
        assert "".join(shown(*(broken[i : i + width] for i in range(0, len(broken), width)))) == wanted


def test_windows_line_ends_stay_line_ends_beside_other_letters() -> None:
    assert shown("é".encode(), b"\r", b"\n", b"x") == ["é", "\r", "\n", "x"]
    assert shown("日".encode(), b"\r\n", b"\r", b"\n\r\n") == ["日", "\r\n", "\r", "\n\r\n"]


def test_a_finished_example_of_an_older_build_has_no_hex() -> None:
    tokens = {**cut("é".encode(), b"x"), "hex": []}
    assert call(["shownTexts", tokens], ["hexBytes", tokens, 0]) == [["é", "x"], "C3 A9"]


def visible(*texts: str) -> list[str]:
    return call(*(["visible", text] for text in texts))


def test_whitespace_has_signs() -> None:
    assert visible(" a\n\r\n\t") == ["␣a↵␍↵⇥"]


UNSEEN = (
    "\x00\x85\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u180b\u180e\u2003\u200b\u200d\u200e\u2028\u2029\u202e\u2060"
    "\u2066\u2800\u3000\u3164\ue000\ufe0f\ufeff\uffa0\ufff9\U0001d173\U000e0041\U000e0100\U0010ffff"
)


def test_everything_without_a_shape_has_a_name() -> None:
    names = [f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\u{{{ord(c):x}}}" for c in UNSEEN]
    assert visible(*UNSEEN) == names
    assert visible(*(f"a{c}" for c in UNSEEN)) == [f"a{name}" for name in names]
    doubled = [name + name for name in names]
    assert visible(*(c + c for c in UNSEEN)) == doubled


def test_by_property_no_control_format_or_space_is_left() -> None:
    codes = [chr(c) for c in [*range(0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE0200)]]
    unseen = [c for c in codes if unicodedata.category(c) in ("Cc", "Cf", "Zs", "Zl", "Zp", "Co")]
    assert len(unseen) > 200
    for character, text in zip(unseen, visible(*unseen), strict=True):
        assert character not in text and text.isprintable() and text.isascii() is (character not in " \n\r\t")


def test_what_joins_visible_characters_stays() -> None:
    whole = ["👩‍👧", "❤️", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "क्‍ष", "é", "e\u0301", "日本", "ﷺ", "�"]
    assert visible(*whole) == whole


def test_an_accent_alone_stands_on_a_circle() -> None:
    assert visible("\u0301", "\u0301a", "a\u0301") == ["◌\u0301", "◌\u0301a", "a\u0301"]


def test_an_excerpt_says_that_it_is_one_and_halves_no_character() -> None:
    asked = (("abc", 3), ("abcd", 3), ("ab🦩", 4), ("ab🦩c", 4), ("ab🦩c", 3), ("", 3))
    assert call(*(["excerpt", *each] for each in asked)) == ["abc", "abc…", "ab🦩", "ab🦩…", "ab…", ""]
