"""Where characters begin in bytes that need not be UTF-8, against Python's own decoder; runs in CPython."""

from hypothesis import given
from hypothesis import strategies as st

from pyscripts.tokens import character_starts, own_bytes

# First and last of each range that Unicode's table of well-formed UTF-8 tells apart.
EDGES = b"\x00a\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xff"


@given(st.one_of(st.binary(max_size=12), st.lists(st.sampled_from(EDGES), max_size=12).map(bytes)))
def test_characters_begin_where_the_decoder_begins_one(data: bytes) -> None:
    starts, text = character_starts(data).tolist(), data.decode(errors="replace")
    assert len(starts) == len(text)
    for start, stop, character in zip(starts, [*starts, len(data)][1:], text, strict=True):
        assert data[start:stop].decode(errors="replace") == character


def test_own_bytes_are_joined_also_where_a_token_has_none() -> None:
    assert own_bytes({"hex": ["F0 9F", "", "A6 A9"]}) == "🦩".encode()
