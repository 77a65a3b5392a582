"""Cuts a corpus into blocks, the fixed stretches that are scored, stored and resumed as a whole."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pyscripts.native.documents import Document, documents

BLOCK_DOCUMENTS = 256
BLOCK_CHARACTERS = 500_000


@dataclass(frozen=True)
class Block:
    """A stretch of the corpus."""

    documents: list[Document]
    skipped: list[str]  # a sentence about each record of it that cannot be read

    @property
    def end(self) -> float:
        """0 ... 1, the share of the corpus up to its end."""
        return self.documents[-1].share if self.documents else 1.0


@dataclass(frozen=True)
class Corpus:
    """The files of a corpus and how they are read; the same ones always give the same blocks."""

    paths: tuple[str, ...]
    text_field: str = "text"  # of a record
    lines: bool = False  # whether each line of a .txt file is a document
    folder: str = ""  # where relative paths begin; empty: the working directory
    block_documents: int = field(default_factory=lambda: BLOCK_DOCUMENTS)

    def blocks(self, finished: int = 0) -> Iterator[Block]:
        """The blocks after the first `finished` ones. CorpusError: see documents."""
        number, characters, texts, skipped = 0, 0, list[Document](), list[str]()
        for document in documents(self.paths, self.text_field, self.lines, skipped.append, Path(self.folder)):
            texts.append(document)
            characters += len(document.text)
            if len(texts) == self.block_documents or characters >= BLOCK_CHARACTERS:
                if number >= finished:
                    yield Block(texts, skipped.copy())
                number, characters, texts = number + 1, 0, []
                skipped.clear()
        if (texts or skipped) and number >= finished:
            yield Block(texts, skipped)
