"""The word class of each token, in prose and in code."""

import re
import unicodedata
from typing import NamedTuple

from numpy.typing import ArrayLike

from pyscripts.tokens import character_starts, checked_spans

CLASSES = {
    "content_word": "content word",
    "function_word": "function word",
    "capitalised_word": "capitalised word",
    "continuation": "word continuation",
    "digits": "digits",
    "punctuation": "punctuation",
    "symbol": "symbol",
    "whitespace": "whitespace and indentation",
    "keyword": "keyword (code)",
    "identifier": "identifier (code)",
    "operator": "operator (code)",
}

# English closed-class words (Quirk et al. 1985): determiners, pronouns, prepositions, conjunctions and
# auxiliaries.
_FUNCTION_WORDS = """
    a an the this that these those some any no every each either neither both all half such what which whose
    another i me my mine myself you your yours yourself yourselves he him his himself she her hers herself
    it its itself we us our ours ourselves they them their theirs themselves who whom one ones someone
    anyone everyone nobody nothing something anything everything none about above across after against along
    amid among around as at before behind below beneath beside besides between beyond by despite down during
    except for from in inside into like near of off on onto out outside over past per since than through
    throughout till to toward towards under until unto up upon via with within without and or but nor yet so
    if because although though unless while whereas whether when whenever where wherever how why am is are
    was were be been being have has had having do does did doing done will would shall should can could may
    might must ought need dare not there here too also don't doesn't didn't isn't aren't wasn't weren't
    won't wouldn't shan't shouldn't can't cannot couldn't mustn't haven't hasn't hadn't i'm i've i'd i'll
    you're you've you'd you'll he's he'd he'll she's she'd she'll it's it'd it'll we're we've we'd we'll
    they're they've they'd they'll that's there's what's who's let's
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())

# Words reserved in Python, JavaScript, C, C++, Java, Go or Rust, and their literals.
_KEYWORDS = """
    and as assert async await break case catch char class const continue crate debugger default def defer
    del do double elif else enum except export extends extern False false final finally float fn for from
    func function global go goto if impl implements import in int interface is lambda let long loop map
    match mod mut namespace new nil None nonlocal not null nullptr or package pass private protected pub
    public raise range return self short signed sizeof static struct super switch template this throw throws
    trait True true try type typedef typeof undefined union unsigned use using var virtual void volatile
    where while with yield
"""
KEYWORDS = frozenset(_KEYWORDS.split())

PROSE_UNIT = re.compile(r"w[wd]*|d+|s+|.")  # matches the string of character kinds, see _kinds
CODE_UNIT = re.compile(r"[wu][wdu]*|d+|s+|.")
OPERATORS = frozenset("+-*/%=<>!&|^~@?:.")
# Comments and string literals, classed as prose; a quote must close on its line, a triple quote anywhere.
QUOTED = re.compile(
    r"""/\*.*?\*/|(?:\#|//)[^\n]*"""
    r"""|["]{3}(.*?)["]{3}|[']{3}(.*?)[']{3}|"((?:\\.|[^"\\\n])*)"|'((?:\\.|[^'\\\n])*)'""",
    re.DOTALL,
)
# What tells a line of program text, the characters looked at, and the share of their lines: as in site/text/face.js,
# which sets the text by it. Only ASCII, of which regular expressions say the same in both languages.
CODE_SIGNS = re.compile(
    r"^[ \t]*(?:def|class|import|from|return|function|const|let|var|if|for|while|#include|public|fn|func)\b.*[:;({]?$"
    r"|[;{}][ \t]*$|\w\(.*\)|^[ \t]*(?:#|//)|\w[ \t]*(?:[-+*/]?=|[=!]=)[ \t]*[^ \t]",
    re.ASCII,
)
CODE_LOOKED_AT = 4000  # characters
CODE_SHARE = 0.4


class Unit(NamedTuple):
    """A word, number, mark or gap of the text."""

    start: int  # character where it begins
    name: str  # one of CLASSES, but never continuation


def classify(data: bytes, spans: ArrayLike, code: bool | None = None) -> list[str]:
    """The class, one of CLASSES, of each token, given all tokens' bytes and their spans [token, 2].

    A token has the class of its first non-whitespace character. It is a `continuation` if that character is inside a
    word, or the token inside a character, that began before it. Function words stay function words when capitalised.
    In code, comments and strings are classed as prose. code: None means `looks_like_code(text)`.
    Spans outside the text raise ValueError.
    """
    spans = checked_spans(data, spans)
    text = data.decode(errors="replace")
    units = _units(text, looks_like_code(text) if code is None else code)  # [character]
    # Which character begins at each byte; -1 for bytes inside a character.
    character = [-1] * len(data)
    for i, byte in enumerate(character_starts(data).tolist()):
        character[byte] = i
    result = []
    for start, stop in spans.tolist():
        name = "whitespace"
        for place in range(start, stop):
            at = character[place]
            if at < 0 and place == start:
                name = "continuation"
                break
            if at < 0 or text[at].isspace():
                continue
            unit = units[at]
            word = unit.name not in ("digits", "punctuation", "symbol", "operator", "whitespace")
            name = "continuation" if word and at > unit.start else unit.name
            break
        result.append(name)
    return result


def looks_like_code(text: str) -> bool:
    """Whether, at its beginning, at least 40% of the lines that are not blank look like program text."""
    lines = [line for line in re.split("[\r\n]+", text[:CODE_LOOKED_AT]) if line.strip(" \t")]
    signs = sum(1 for line in lines if CODE_SIGNS.search(line))
    return bool(lines) and signs >= CODE_SHARE * len(lines)


def _units(text: str, code: bool) -> list[Unit]:
    """The unit each character belongs to, [character]."""
    kinds = _kinds(text)
    units: list[Unit] = []
    position = 0
    quoted = (
        [match.span(match.lastindex or 0) for match in QUOTED.finditer(text)] if code else [(0, len(text))]
    )
    for start, stop in [*quoted, (len(text), len(text))]:
        for match in CODE_UNIT.finditer(kinds, position, start):
            unit = Unit(match.start(), _code_class(text[slice(*match.span())], match[0][0]))
            units += [unit] * len(match[0])
        for match in PROSE_UNIT.finditer(kinds, start, stop):
            unit = Unit(match.start(), _prose_class(text[slice(*match.span())], match[0][0]))
            units += [unit] * len(match[0])
        position = stop
    return units


def _prose_class(word: str, kind: str) -> str:
    if kind == "w":
        if word.lower().replace("\u2019", "'") in FUNCTION_WORDS:
            return "function_word"
        return "capitalised_word" if word[0].isupper() or word[0].istitle() else "content_word"
    others = {"c": "content_word", "d": "digits", "s": "whitespace", "p": "punctuation", "u": "punctuation"}
    return others.get(kind, "symbol")


def _code_class(word: str, kind: str) -> str:
    if kind in "wu":
        return "keyword" if word in KEYWORDS else "identifier"
    if word in OPERATORS:
        return "operator"
    return {"c": "identifier", "d": "digits", "s": "whitespace", "p": "punctuation"}.get(kind, "symbol")


def _kinds(text: str) -> str:
    """One letter per character: w letter, c a letter that is a word by itself, d digit, u underscore, s space,
    p punctuation, o other. Marks and joiners have the kind of the previous character; apostrophes inside words are w.
    """
    kinds: list[str] = []
    for i, character in enumerate(text):
        category = unicodedata.category(character)
        if category[0] == "M" or character == "\u200d":
            kind = kinds[-1] if kinds else "o"
        elif character.isspace():
            kind = "s"
        elif category[0] == "L":
            kind = "c" if _is_whole_word(character) else "w"
        elif category[0] == "N":
            kind = "d"
        elif character in "'\u2019" and kinds and kinds[-1] == "w" and text[i + 1 : i + 2].isalpha():
            kind = "w"
        else:
            kind = "u" if character == "_" else {"P": "p", "C": "s"}.get(category[0], "o")
        kinds.append(kind)
    return "".join(kinds)


def _is_whole_word(character: str) -> bool:
    """Chinese characters and kana, which are written without spaces; not Korean syllables."""
    return unicodedata.east_asian_width(character) == "W" and not "\uac00" <= character <= "\ud7a3"
