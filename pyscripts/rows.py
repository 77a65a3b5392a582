"""Arrays that grow chunk by chunk as the model reads."""

import numpy as np
from numpy.typing import NDArray


class Rows:
    """A growing array, kept as a list of chunks; rows lie along `axis`."""

    def __init__(self, axis: int) -> None:
        self.axis, self._chunks = axis, list[NDArray]()

    def append(self, chunk: NDArray) -> None:
        self._chunks.append(chunk)

    def __bool__(self) -> bool:
        """Whether anything was ever appended."""
        return bool(self._chunks)

    def all(self) -> NDArray:
        """The whole array; chunks are joined once and stay joined. ValueError if the model was not asked for it."""
        if not self._chunks:
            raise ValueError("This run holds no such numbers: the text was read without the output they need.")
        if len(self._chunks) > 1:
            self._chunks = [np.concatenate(self._chunks, axis=self.axis)]
        return self._chunks[0]

    def last(self, count: int = 1) -> NDArray:
        """The last rows alone. ValueError as `all`."""
        whole = self._chunks[-1] if self._chunks and self._chunks[-1].shape[self.axis] >= count else self.all()
        return whole[(slice(None),) * self.axis + (slice(whole.shape[self.axis] - count, None),)]

    def keep(self, length: int) -> None:
        """Drops all rows after the first `length`; nothing large is copied, since there may be no memory for it."""
        kept, start = list[NDArray](), 0
        for chunk in self._chunks:
            if start < length or not kept:
                kept.append(chunk[(slice(None),) * self.axis + (slice(length - start),)])
            start += chunk.shape[self.axis]
        self._chunks = kept
