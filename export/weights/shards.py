"""Split files into content-hashed chunks that a static host can serve and the page can verify. Offline, stdlib."""

import hashlib
from pathlib import Path
from typing import Any

CHUNK_BYTES = 32_000_000


def split(path: Path, directory: Path) -> dict[str, Any]:
    """Write `path` as chunks of at most CHUNK_BYTES into `directory`; returns the manifest's entry for the file."""
    whole, chunks, size = hashlib.sha256(), [], 0
    with path.open("rb") as file:
        while data := file.read(CHUNK_BYTES):
            whole.update(data)
            sha256 = hashlib.sha256(data).hexdigest()
            name = f"{sha256[:32]}.bin"
            (directory / name).write_bytes(data)
            chunks.append({"name": name, "bytes": len(data), "sha256": sha256})
            size += len(data)
    return {"path": path.name, "bytes": size, "sha256": whole.hexdigest(), "chunks": chunks}
