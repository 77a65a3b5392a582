"""Texts on which two tokenizers are compared: every kind of character, and ordinary typing. Offline, stdlib."""

import random
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator

CROWDED = 24  # groups up to this size are tried completely; of larger ones, this many characters, evenly spaced
SPACES = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2003\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
TYPED = (
    "",
    " ",
    "\n",
    "a",
    "The capital of France is",
    "The capital of France is ",
    " The capital of France is",
    "   The capital of France is   ",
    " Paris.",
    "Paris, ",
    "is ___ .",
    ", and the other",
    "(see ",
    ") and",
    "“Quoted,” she said — ‘twice’… «ja» „nein“",
    "I'm you're he's we've they'd she'll it't I'M YOU'RE HE'S WE'VE THEY'D SHE'LL 'ſ 'ſt 'K ’s ’ll",
    "dont't'll's''s '",
    "3.14159 1,234,567.89 1e-9 0x1F -42 +1 007 12345678901234567890 1 2 3 12 123 1234 12345",
    "2024-05-06T07:08:09Z 50% $5 €3 £2 ¥100 №1 §3 ½ ²x ①② Ⅷ ١٢٣ ۴۵ १२३ ௧௨ 一二三 ４５ 𝟙𝟚 a½ a² ½½",
    "x² + y³ = z¹ — αβγ ∑∫√∞ ≠ ≤ ℝ ℏ Å Å ﬁ ﬃ ſ ß ẞ İ ı Ǆ ǅ ΑΣ Σ",
    "def f(x):\n    return x  # 4 spaces\n\n\n\tif x:\n\t\tpass\r\n\r\nend\r",
    "for (int i = 0; i < n; ++i) { a[i] += b->c::d ?? e?.f; } // ok",
    "<p class='a'>&amp;</p> {{ x }} \\n \\u00e9 <0x0A> <unk> </s> <s> [UNK] ## ▁ ▁▁ Ġ Ċ <mask>",
    "https://example.org/a_b?c=d&e=%20#f user@example.org C:\\dir\\file.txt ~/x $HOME",
    "e\u0301 é \u0301 a\u0323\u0307 \u1100\u1161\u11a8 각 \u0344 \u0f73 \u2126 \u212a",
    "naïve café façade Übermaß Ærø łódź Đà Nẵng İstanbul",
    "中文没有空格。日本語のテキストです。한국어 텍스트 ﾊﾝｶｸ",
    "שלום עולם مرحبا بالعالم नमस्ते दुनिया สวัสดีชาวโลก ᠮᠣᠩᠭᠣᠯ",
    "क्\u200dष क्\u200cष ශ්\u200dරී می\u200cخواهم",
    "👩‍👩‍👧‍👦 🏳️‍🌈 🏴󠁧󠁢󠁳󠁣󠁴󠁿 🇩🇪🇫🇷 1️⃣ #️⃣ ❤️ ❤ 👍🏽 🦩 🫠 😀😀 a😀b",
    "soft\u00adhyphen zero\u200bwidth word\u2060joiner \ufeffBOM \u061c \u3164 \ufe0f \u2066iso\u2069 \u202eRLO\u202c",
    "nul\x00 bell\x07 esc\x1b del\x7f \x80\x85\x9f \ufffd\ufffe\uffff \U0010ffff \ue000",
    "line\u2028separator\u2029paragraph\x85next\x0bvertical\x0cform",
    "a" * 3000,
    "ab " * 700,
    "\n" * 300,
    "=" * 200 + "-" * 80 + "_" * 80 + "#" * 80,
    "😀" * 100,
    "１" * 60 + "9" * 200,
    "WordsInCamelCaseAndSCREAMING_SNAKE_CASEand-kebab-case",
    "Ünïcödé " * 40,
)


def characters() -> Iterator[str]:
    """Some of every general category and script, all of the small groups; unassigned and private ones too."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for code in [*range(0xD800), *range(0xE000, 0x32000), *range(0xE0000, 0xE0200), 0xF0000, 0x10FFFD]:
        category = unicodedata.category(chr(code))
        script = unicodedata.name(chr(code), "").split(" ")[0] if category[0] in "LMN" else ""
        groups[category, script].append(code)
    for codes in groups.values():
        step = 1 if len(codes) <= CROWDED else len(codes) / CROWDED
        yield from (chr(codes[int(i * step)]) for i in range(min(len(codes), CROWDED)))


def scripts() -> Iterator[str]:
    """A few words in the letters, marks and digits of each script."""
    letters: dict[str, list[str]] = defaultdict(list)
    for code in range(0x20, 0x32000):
        if unicodedata.category(chr(code))[0] in "LMN":
            letters[unicodedata.name(chr(code), "?").split(" ")[0]].append(chr(code))
    for found in letters.values():
        step = max(1, len(found) // 24)
        some = "".join(found[::step][:24])
        yield f"{some[:7]} {some[7:12]}, {some[12:15]}1 {some[15:]}."


def spaces() -> Iterator[str]:
    """Runs of every kind of whitespace, at the beginning, in the middle and at the end of a text."""
    for space in SPACES:
        for length in (1, 2, 3, 4, 5, 8, 15, 16, 17, 32):
            run = space * length
            yield from (f"{run}x{run}1{run}.{run}", f"a {run}b{run} c", run, f"é{run}\n{run}é")
    for first in SPACES:
        yield from (f"a{first}{second}b{first}{first}{second}{first}" for second in SPACES)


def broken(count: int = 150) -> Iterator[str]:
    """Random bytes and texts with bytes taken out, decoded with U+FFFD."""
    draw = random.Random(20261125)
    source = "".join(TYPED[:34]).encode()
    for _ in range(count):
        yield draw.randbytes(draw.randint(1, 40)).decode(errors="replace")
        start = draw.randrange(len(source) - 40)
        yield source[start : start + draw.randint(1, 40)].decode(errors="replace")
        yield "".join(chr(draw.choice((draw.randrange(0x250), draw.randrange(0x3000)))) for _ in range(12))


def control(tokens: Iterable[str], most: int = 64) -> Iterator[str]:
    """Added tokens as text: alone, between letters and spaces, twice, cut short, in the other case."""
    for token in list(tokens)[:most]:
        yield from (token, f"a{token}b", f"a {token} b", f"{token}{token}", f"{token} {token}", f"{token}\n{token}1")
        yield from (token[:-1], token[1:], f"{token[:-1]} {token[-1:]}", token.upper(), f"  {token}  ", f"é{token}é")


def around(token: str, joined: bool) -> Iterator[str]:
    """An added token with and without spaces around it; `joined`: also before and between other text."""
    yield from (token, f"a{token}", f"a {token}", f"{token}{token}")
    if joined:
        yield from (f"a{token}b", f"a {token} b", f"a {token}b", f"a{token} b", f"{token} b")
        yield f"  a {token}  b {token} a"


def texts() -> list[str]:
    """All of the above but `control`, each once."""
    found = [*TYPED, *scripts(), *spaces(), *broken()]
    for character in characters():
        found += (character, f"a{character} {character}{character}1{character}, b")
    return list(dict.fromkeys(found))
