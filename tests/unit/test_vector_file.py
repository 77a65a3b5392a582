"""A steering vector as a file: what is written is read again, and what cannot be used is refused in a sentence."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.page_texts import NODE

MODULE = (Path(__file__).parents[2] / "site/shared/vector_file.js").as_uri()
MANIFEST = {"sha256": "abc", "name": "Tiny", "layers": 2, "hidden_size": 3}
FILE = {"schema": "tokenlight.vector/1", "model": "abc", "model_name": "Tiny", "layer": 1, "vector": [1.5, -2, 0]}
SCRIPT = f"""import {{ readVectorFile, vectorFile }} from '{MODULE}';
import {{ readFileSync }} from 'node:fs';
const [manifest, ...files] = JSON.parse(readFileSync(0, 'utf8'));
const read = (text) => {{ try {{ return readVectorFile(text, manifest); }} catch (error) {{ return error.message; }} }};
const again = vectorFile(manifest, {{ layer: 2, vector: [1, 2, 3] }});
process.stdout.write(JSON.stringify([JSON.parse(again), read(again), ...files.map(read)]));"""


def read(*files: str) -> list[Any]:
    command = [str(NODE), "--input-type=module", "-e", SCRIPT]
    done = subprocess.run(command, input=json.dumps([MANIFEST, *files]), capture_output=True, text=True, check=True)
    found: list[Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def answers() -> list[Any]:
    changes: list[dict[str, Any]] = [
        {}, {"model": "other", "model_name": "Large"}, {"layer": 3}, {"layer": 1.5}, {"vector": [1, 2]},
        {"vector": [1, 2, "3"]}, {"vector": [1, 2, 1e10]}, {"schema": "tokenlight.vector/2"}]  # fmt: skip
    return read(*(json.dumps({**FILE, **change}) for change in changes), "{", "null", "[]", json.dumps(FILE)[:-9])


def test_a_saved_vector_is_read_again(answers: list[Any]) -> None:
    written, again, given = answers[:3]
    assert written == {**FILE, "layer": 2, "vector": [1, 2, 3]}
    assert again == {"layer": 2, "vector": [1, 2, 3]}
    assert given == {"layer": 1, "vector": [1.5, -2, 0]}


def test_what_cannot_be_used_is_refused(answers: list[Any]) -> None:
    other, *damaged = answers[3:9]
    assert other == "This vector was made for Large, not for this Tiny. Load that model first."
    assert set(damaged) == {"This file is damaged: it needs a layer from 0 to 2 and 3 numbers."}
    assert {each.split(":")[0] for each in answers[9:]} == {"This is not a vector that was saved here"}
