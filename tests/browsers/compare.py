"""Compares two Runs number by number; used by tests/browsers/run.py."""

from __future__ import annotations

from typing import Any

TOLERANCE = 1e-4
ABSOLUTE = {"logprob", "entropy"}  # nats; anything else: of the larger of its size and 1
EXACT = {"id", "rank", "bytes", "token"}
RANKED = {"top", "raw", "sampled"}  # lists of tokens by probability: those that tie may change places


class Comparison:
    """What differs, in words, and the largest difference in nats."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.largest = 0.0

    def compare(self, place: str, mine: Any, theirs: Any, key: str = "") -> None:
        """Walks both; what they were asked must be the same, how long it took need not."""
        if key == "timings":
            return
        if isinstance(mine, dict) and isinstance(theirs, dict) and mine.keys() == theirs.keys():
            for name in mine:
                self.compare(f"{place}.{name}", mine[name], theirs[name], name)
        elif isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
            if key in RANKED:
                self._ranked(place, mine, theirs)
            else:
                for i, pair in enumerate(zip(mine, theirs, strict=True)):
                    self.compare(f"{place}[{i}]", *pair, key)
        elif _number(mine) and _number(theirs) and key not in EXACT:
            self._number(place, mine, theirs, key)
        elif mine != theirs:
            self.complaints.append(f"{place} is {str(mine)[:80]} and should be {str(theirs)[:80]}")

    def _number(self, place: str, mine: float, theirs: float, key: str) -> None:
        difference = abs(mine - theirs)
        if key in ABSOLUTE:
            self.largest = max(self.largest, difference)
        if not difference <= TOLERANCE * (1 if key in ABSOLUTE else max(1, abs(theirs))):
            self.complaints.append(f"{place} is {mine} and should be {theirs}")

    def _ranked(self, place: str, mine: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
        """Token by token, wherever it stands; one that is in one list only must tie with the other's last."""
        known = {entry["id"]: entry for entry in theirs}
        for i, entry in enumerate(mine):
            tied = {**theirs[-1], "id": entry["id"], "text": entry["text"]}
            self.compare(f"{place}[{i}]", entry, known.get(entry["id"], tied))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
