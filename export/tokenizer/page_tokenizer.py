"""Describe a checkpoint's tokenizer so that the page's library tokenizes as the checkpoint does. Offline, tokenizers.

The page runs @huggingface/tokenizers, whose character classes are JavaScript's: its digits are 0–9, its whitespace is
not Rust's, and its letters are those of the browser's Unicode version. Here each class becomes the list of code points
that the checkpoint's own library matches, and each pre-tokenizer a split by such a pattern, so that one file means the
same to both libraries and in every browser.
"""

import json
import re
from functools import cache
from typing import Any

from tokenizers import Regex, normalizers, pre_tokenizers  # type: ignore[import-untyped]
from transformers import PreTrainedTokenizerFast

from pyscripts.native.tokenizer import steps

# Planes 4–13, 15 and 16 have no characters: their first and last code points represent the rest.
_GAPS = ((0xD800, 0xDFFF), (0x40010, 0xDFFFF), (0xE1010, 0xEFFFF), (0xF0010, 0xFFFEF), (0x100010, 0x10FFEF))
_EVERY = "".join(chr(c) for c in range(0x110000) if not any(first <= c <= last for first, last in _GAPS))
_ANY = r"[\x{0}-\x{10FFFF}]"
# Source: pre_tokenizers/byte_level.rs of huggingface/tokenizers, from openai/gpt-2 src/encoder.py.
_BYTE_LEVEL = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_PROPERTY = re.compile(r"\\[pP]\{\^?[^}=]+\}|\\[sSdDwW]")
_POSIX = re.compile(r"\[:\^?[a-z]+:\]")
_ESCAPE = re.compile(r"\\(?:x\{[0-9A-Fa-f]+\}|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|.)", re.DOTALL)


def description(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    """tokenizer.json of a tokenizer, for the page and, with the same meaning, for the tokenizers library.

    Kinds that cannot be put this way stay as they are; `tokenizer_check` refuses what the page then reads otherwise.
    """
    found: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    found["truncation"] = found["padding"] = None
    if found["pre_tokenizer"] is not None:
        parts = _pre_tokenizer(found["pre_tokenizer"])
        found["pre_tokenizer"] = parts[0] if len(parts) == 1 else _sequence(parts) if parts else None
    if found["normalizer"] is not None:
        found["normalizer"] = _normalizer(found["normalizer"])
    return found


def normalized_characters(described: dict[str, Any]) -> str | None:
    """The code points that a Unicode form can change or reorder, as the inside of a class; None: there is no form.

    The checkpoint's library knows an older Unicode than browsers do. To it, a character added since stands by itself,
    so the page leaves those out and normalises the stretches between them, where all versions agree.
    """
    forms = {step["type"] for step in steps(described["normalizer"], "normalizers")} & {"NFC", "NFD", "NFKC", "NFKD"}
    return _normalized(any("K" in form for form in forms)) if forms else None


@cache
def _normalized(compatibility: bool) -> str:
    decompose = (normalizers.NFKD() if compatibility else normalizers.NFD()).normalize_str
    separate = "\n"  # no form changes it or reorders across it
    characters = _EVERY.replace(separate, "")

    def changed(before: str, after: str) -> list[bool]:
        """Of each character, whether it changes between these two."""
        probes = [before + character + after for character in characters]
        return [a != b for a, b in zip(probes, decompose(separate.join(probes)).split(separate), strict=True)]

    whole = changed("", "")
    reordered = changed("\u0345", ""), changed("", "\u0334")  # the highest and the lowest combining class
    found = {c for c, *signs in zip(characters, whole, *reordered, strict=True) if any(signs)}
    found |= set(decompose("".join(c for c, sign in zip(characters, whole, strict=True) if sign)))  # what composes
    return _ranges(re.findall(f"[{re.escape(''.join(sorted(found)))}]+", _EVERY))


def _sequence(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "Sequence", "pretokenizers": parts}


def _pre_tokenizer(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps that do what one pre-tokenizer does."""
    kind = node["type"]
    if kind == "Sequence":
        return [step for each in node["pretokenizers"] for step in _pre_tokenizer(each)]
    if kind == "ByteLevel" and node["use_regex"]:
        # The prefix space comes before the split; Metaspace with a space as its mark does only that.
        space = {"type": "Metaspace", "replacement": " ", "prepend_scheme": "always", "split": False}
        encode = {**node, "use_regex": False, "add_prefix_space": False}
        return [*([space] if node["add_prefix_space"] else []), _split(_BYTE_LEVEL), encode]
    if kind == "Digits":
        return [_split(_class(_runs(pre_tokenizers.Digits(False))), _isolated_or_run(node["individual_digits"]))]
    if kind == "Punctuation":
        return [_split(_class(_runs(pre_tokenizers.Punctuation("contiguous"))), node["behavior"])]
    if kind == "Metaspace" and node["split"]:
        mark = f"\\x{{{ord(node['replacement']):X}}}"
        return [{**node, "split": False}, _split(mark, "MergedWithNext")]
    if kind == "Split":
        pattern = node["pattern"]
        if "String" in pattern:
            if not pattern["String"]:
                return []  # Rust never splits here, JavaScript everywhere
            pattern = {"Regex": re.sub(r"[\\^$.|?*+()\[\]{}&-]", r"\\\g<0>", pattern["String"])}
        if node["invert"] and node["behavior"] == "Removed":
            return [{**node, "pattern": {"Regex": explicit(pattern["Regex"])}}]
        if node["invert"] and node["behavior"].startswith("Merged"):
            return [node]
        return [_split(pattern["Regex"], node["behavior"])]
    return [node]


def _isolated_or_run(individual: bool) -> str:
    return "Isolated" if individual else "Contiguous"


def _split(pattern: str, behavior: str = "Isolated") -> dict[str, Any]:
    """A split by the pattern; the page's library only knows Isolated and Removed, so the others become patterns."""
    pattern = explicit(pattern)
    others = f"(?:(?!{pattern}){_ANY})*"
    form = {
        "Contiguous": f"(?:{pattern})+",
        "MergedWithPrevious": f"{others}(?:{pattern}|(?!{_ANY}))",
        "MergedWithNext": f"(?:{pattern}){others}",
    }
    kept = "Removed" if behavior == "Removed" else "Isolated"
    return {"type": "Split", "pattern": {"Regex": form.get(behavior, pattern)}, "behavior": kept, "invert": False}


def _normalizer(node: dict[str, Any]) -> dict[str, Any]:
    if node["type"] == "Sequence":
        return {**node, "normalizers": [_normalizer(each) for each in node["normalizers"]]}
    if node["type"] == "Replace" and "Regex" in node["pattern"]:
        return {**node, "pattern": {"Regex": explicit(node["pattern"]["Regex"])}}
    return node


def explicit(pattern: str) -> str:
    """An Oniguruma pattern with its character classes, and letters of either case, written out as code points."""
    result, place, depth = [], 0, 0  # depth: of nested [ ]
    groups: list[bool] = []  # whether case is ignored in each open group
    while place < len(pattern):
        ignore_case = bool(groups) and groups[-1]
        known = _PROPERTY.match(pattern, place) or (_POSIX.match(pattern, place) if depth else None)
        escape = _ESCAPE.match(pattern, place)
        character = pattern[place]
        if known:
            ranges = _matched(known[0] if known[0][0] == "\\" else f"[{known[0]}]")
            result.append(ranges if depth else f"[{ranges}]")
            place = known.end()
            continue
        if escape:
            result.append(escape[0])
            place = escape.end()
            continue
        if depth:
            depth += (character == "[") - (character == "]")
        elif character == "[":
            depth = 1
            first = re.compile(r"\[\^?\]?").match(pattern, place)  # a ] that comes first is itself
            assert first
            result.append(first[0])
            place = first.end()
            continue
        elif pattern.startswith("(?i:", place):
            groups.append(True)
            result.append("(?:")
            place += 4
            continue
        elif character == "(":
            groups.append(ignore_case)
        elif character == ")" and groups:
            groups.pop()
        elif ignore_case and character.isalpha():
            character = f"[{_matched(f'(?i:{character})')}]"
        elif character == ".":
            character = r"[^\x{A}]"  # JavaScript's also stops at U+000D, U+2028 and U+2029
        result.append(character)
        place += 1
    return "".join(result)


@cache
def _matched(pattern: str) -> str:
    """The code points a pattern of one character matches in the checkpoint's library, as the inside of a class."""
    split = pre_tokenizers.Split(Regex(f"(?:{pattern})+"), "removed", invert=True)
    return _ranges([piece for piece, _ in split.pre_tokenize_str(_EVERY)])


def _runs(splitter: Any) -> str:
    """The code points that a pre-tokenizer puts into runs of their own, as the inside of a class; U+0000 is not one."""
    return _ranges([piece for piece, _ in splitter.pre_tokenize_str(_EVERY)][1::2])


def _class(ranges: str) -> str:
    return f"[{ranges}]"


def _ranges(runs: list[str]) -> str:
    """Runs of code points as the inside of a class; short, since the page's library compiles a pattern at every use."""

    def spelled(character: str) -> str:
        return character if character > "\xa0" else f"\\x{{{ord(character):X}}}"

    return "".join(spelled(run[0]) + (f"-{spelled(run[-1])}" if len(run) > 1 else "") for run in runs)
