"""Interventions: what is refused and how it is said, and the graph's inputs by hand."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pyscripts import interventions as changes
from tests.unit import page_module
from tests.unit.page_texts import NODE

MANIFEST: dict[str, Any] = {
    "name": "Tiny", "layers": 2, "heads": 3, "head_size": 2, "hidden_size": 4, "context_length": 10,
    "windows": [None, 6], "copies": True,
    "inputs": {"head_mask": "m", "attention_bias": "b", "residual_add": "r", "head_output_add": "h"},
}
VECTOR = [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(("given", "words"), [
    ({"head": []}, "interventions has no 'head'. It may have heads, cut, add."),
    ({"heads": {}}, "heads must be a list"),
    ({"heads": [3]}, "heads[0] must be an object"),
    ({"heads": [{"layer": 0, "head": 1}]}, "heads[0] has no scale"),
    ({"heads": [{"layer": 2, "head": 1, "scale": 0}]}, "heads[0].layer must be a whole number from 0 to 1"),
    ({"heads": [{"layer": True, "head": 1, "scale": 0}]}, "heads[0].layer must be a whole number from 0 to 1"),
    ({"heads": [{"layer": 0, "head": 1, "scale": float("nan")}]}, "heads[0].scale must be a number from -1000 to 1000"),
    ({"heads": 2 * [{"layer": 0, "head": 1, "scale": 0}]}, "the same head is scaled twice"),
    ({"cut": [{"query": 3, "keys": [3]}]}, "cut[0].keys must come before the query, position 3"),
    ({"cut": [{"query": None, "keys": []}]}, "cut[0].keys must be a list of at least one whole number"),
    ({"cut": [{"query": 10, "keys": [1]}]}, "cut[0].query must be a whole number from 0 to 9"),
    ({"add": [{"layer": 3, "position": None, "vector": VECTOR}]}, "add[0].layer must be a whole number from 0 to 2"),
    ({"add": [{"layer": 0, "position": None, "vector": [1.0]}]}, "add[0].vector must be a list of 4 numbers"),
    ({"add": [{"layer": 2, "head": 0, "position": 1, "vector": [1.0, 2.0]}]}, "must be a whole number from 0 to 1"),
])  # fmt: skip
def test_what_is_wrong_is_said(given: Any, words: str) -> None:
    with pytest.raises(ValueError) as error:
        changes.checked(given, MANIFEST)
    assert words in str(error.value)


def test_a_model_without_the_input_refuses() -> None:
    old = {**MANIFEST, "inputs": {"head_mask": "m", "attention_bias": "b"}}
    with pytest.raises(ValueError, match="Tiny was exported without residual_add"):
        changes.checked({"add": [{"layer": 0, "position": 0, "vector": VECTOR}]}, old)
    of_head = {"add": [{"layer": 0, "head": 1, "position": 0, "vector": VECTOR[:2]}]}
    inputs = {name: each for name, each in MANIFEST["inputs"].items() if name != "head_output_add"}
    with pytest.raises(ValueError, match="Tiny was exported without head_output_add"):
        changes.checked(of_head, {**MANIFEST, "inputs": inputs})
    off = changes.checked({"heads": [{"layer": 1, "head": 2, "scale": 0}]}, old)
    assert_allclose(changes.inputs(off, old, np.arange(4), 4)["head_mask"], [[1, 1, 1], [1, 1, 0]])


def test_equal_interventions_are_equal_in_any_order() -> None:
    heads = [{"layer": 1, "head": 0, "scale": 0}, {"scale": 2, "head": 1, "layer": 0}]
    cut = [{"query": 5, "keys": [3, 1, 3]}, {"query": None, "keys": [0], "layers": [1, 0]}]
    one = changes.checked({"heads": heads, "cut": cut}, MANIFEST)
    other = changes.checked({"cut": cut[::-1], "heads": heads[::-1], "add": []}, MANIFEST)
    assert one == other and list(one) == ["heads", "cut"]
    assert one["cut"][1]["keys"] == [1, 3] or one["cut"][0]["keys"] == [1, 3]
    assert changes.checked(None, MANIFEST) == changes.checked({}, MANIFEST) == {}
    assert changes.inputs({}, MANIFEST, np.arange(3), 3) == {}


@pytest.mark.skipif(not NODE, reason="needs Node (make)")
def test_the_page_has_the_same_order_and_writes_the_same_json() -> None:
    vector = [0.0, -0.0, 1.0, 0.5, 1e-5, 1e-7, -2.5e-10, 123456789.125, 1 / 3]
    manifest = {**MANIFEST, "hidden_size": len(vector)}
    heads = [(1, 0, 0), (0, 2, 1e-7), (0, 1, 2)]
    given = {
        "heads": [{"layer": layer, "head": head, "scale": scale} for layer, head, scale in heads],
        "cut": [{"query": 9, "keys": [3, 1]}, {"query": None, "keys": [0], "layers": [1, 0]}],
        "add": [{"layer": 1, "position": None, "vector": vector}, {"layer": 0, "position": 2, "vector": vector[::-1]}],
    }
    script = (
        "import(process.argv[1]).then(({ checkedInterventions }) => { const { given, manifest } ="
        " JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        " process.stdout.write(JSON.stringify(JSON.stringify(checkedInterventions(given, manifest)))); })"
    )
    written = page_module.run(script, "shared/interventions.js", {"given": given, "manifest": manifest})
    assert changes.as_json(changes.checked(given, manifest)) == written


def test_inputs_of_a_second_chunk_by_hand() -> None:
    """Queries 3, 4 and 5 after a cache of three positions."""
    given = changes.checked({
        "heads": [{"layer": 1, "head": 2, "scale": 0.5}],
        "cut": [{"query": 4, "keys": [0, 3], "layers": [1]}, {"query": None, "keys": [4], "heads": [2]}],
        "add": [
            {"layer": 2, "position": 5, "vector": VECTOR},
            {"layer": 2, "position": None, "vector": [1.0, 0.0, 0.0, 0.0]},
            {"layer": 0, "head": 1, "position": 3, "vector": [7.0, 8.0]},
        ],
    }, MANIFEST)  # fmt: skip
    found = changes.inputs(given, MANIFEST, np.array([3, 4, 5]), 6)
    mask = np.ones((2, 3, 1, 1))
    mask[1, 2] = 0.5
    assert_allclose(found["head_mask"], mask)
    bias = np.zeros((2, 3, 3, 6))
    bias[1, :, 1, [0, 3]] = -1e4
    bias[:, 2, 2, 4] = -1e4  # only query 5 comes after position 4
    assert_allclose(found["attention_bias"], bias)
    stream = np.zeros((3, 3, 4))
    stream[2, :, 0] += 1
    stream[2, 2] += VECTOR
    assert_allclose(found["residual_add"], stream)
    heads = np.zeros((2, 3, 6))
    heads[0, 0, 2:4] = [7, 8]
    assert_allclose(found["head_output_add"], heads)


def test_positions_beyond_the_text_change_nothing() -> None:
    given = changes.checked({"cut": [{"query": 9, "keys": [8]}, {"query": None, "keys": [7]}]}, MANIFEST)
    assert not changes.inputs(given, MANIFEST, np.arange(4), 4)["attention_bias"].any()


def test_copies_see_the_text_and_themselves_alone() -> None:
    """Three copies of position 2: unchanged, without position 1, without head 0.1."""
    base = changes.checked({"heads": [{"layer": 1, "head": 0, "scale": 3}]}, MANIFEST)
    found = changes.copies(base, MANIFEST, np.array([2]), [{}, {"cut": [1]}, {"heads": [[0, 1]]}])
    cut = -1e4
    assert_allclose(found["attention_bias"][0, 0], [[0, 0, 0, cut, cut], [0, cut, cut, 0, cut], [0, 0, cut, cut, 0]])
    mask = np.ones((2, 3, 3, 1))
    mask[1, 0] = 3
    mask[0, 1, 2] = 0
    assert_allclose(found["head_mask"], mask)
    assert changes.copies_at_once(MANIFEST, 2, 64) == 4  # the window of 6 positions, less the two before
    assert changes.copies_at_once(MANIFEST, 8, 64) == 1
    assert changes.copies_at_once({**MANIFEST, "windows": [None, None]}, 8, 64) == 64
    assert changes.copies_at_once({**MANIFEST, "copies": False, "windows": []}, 8, 64) == 1
    assert changes.copies_at_once(MANIFEST, 2, 64, 2) == 2 and changes.copies_at_once(MANIFEST, 2, 64, 9) == 1


def test_copies_of_several_tokens_by_hand() -> None:
    """Two copies of positions 1 and 2 after position 0, the second with a vector; position 2 may not look at 1."""
    base = changes.checked({"cut": [{"query": 2, "keys": [1]}]}, MANIFEST)
    added: dict[str, Any] = {"add": [{"layer": 1, "position": 1, "vector": VECTOR}]}
    found = changes.copies(base, MANIFEST, np.array([1, 2]), [{}, added])
    cut: Any = -1e4
    assert_allclose(found["attention_bias"][0, 0], [
        [0, 0, 0, cut, cut], [0, cut, 0, cut, cut],
        [0, cut, cut, 0, 0], [0, cut, cut, cut, 0],
    ])  # fmt: skip
    stream = np.zeros((3, 4, 4))
    stream[1, 2] = VECTOR
    assert_allclose(found["residual_add"], stream)
    assert set(found) == {"attention_bias", "residual_add"}
    alone = changes.copies(base, MANIFEST, np.array([1, 2]), [added])
    assert_allclose(alone["attention_bias"][0, 0], [[0, 0, 0], [0, cut, 0]])


@pytest.mark.parametrize("page", [False, pytest.param(True, marks=pytest.mark.skipif(not NODE, reason="needs Node"))])
def test_a_head_that_is_off_loses_what_was_added_to_it(page: bool) -> None:
    """Its own scale and vectors alone; those of other heads and of the stream stay. In Python and in the page."""
    base = changes.checked({
        "heads": [{"layer": 0, "head": 1, "scale": 3}, {"layer": 1, "head": 1, "scale": 0.5}],
        "add": [
            {"layer": 0, "head": 1, "position": 2, "vector": [5.0, 6.0]},
            {"layer": 0, "head": 2, "position": 2, "vector": [7.0, 8.0]},
            {"layer": 1, "head": 1, "position": None, "vector": [1.0, 2.0]},
            {"layer": 0, "position": 2, "vector": VECTOR},
        ],
    }, MANIFEST)  # fmt: skip
    later = {"layer": 0, "head": 1, "position": 2, "vector": [0.5, 0.25]}  # a sweep's mean instead of the head
    variants: list[dict[str, Any]] = [{}, {"heads": [[0, 1]]}, {"heads": [[0, 1]], "add": [later]}]
    mask = np.ones((2, 3, 3, 1))  # [layer, head, copy, 1]
    mask[0, 1, :, 0] = [3, 0, 0]
    mask[1, 1] = 0.5
    outputs = np.zeros((2, 3, 6))  # [layer, copy, head · head_size]
    outputs[0, :, 2:4] = np.array([[5, 6], [0, 0], [0.5, 0.25]])
    outputs[0, :, 4:] = [7, 8]
    outputs[1, :, 2:4] = [1, 2]
    stream = np.zeros((3, 3, 4))
    stream[0] = VECTOR
    if page:
        calls = [["copyInputs", base, MANIFEST, [2], variants], ["copyInputs", base, MANIFEST, [2], variants[1:2]]]
        answers = page_module.call("inference/intervention_inputs.js", *calls)
        together, alone = ({name: np.reshape(each["data"], each["dims"]) for name, each in one.items()}
                           for one in answers)
    else:
        together, alone = (changes.copies(base, MANIFEST, np.array([2]), some) for some in (variants, variants[1:2]))
    assert_allclose(together["head_mask"], mask)
    assert_allclose(together["head_output_add"], outputs)
    assert_allclose(together["residual_add"], stream)
    assert_allclose(alone["head_mask"], mask[:, :, 1:2])
    assert_allclose(alone["head_output_add"], outputs[:, 1:2])


@pytest.mark.skipif(not NODE, reason="needs Node (make)")
def test_the_page_makes_as_many_copies_by_hand() -> None:
    """The numbers of test_copies_see_the_text_and_themselves_alone; two windows: the narrower one counts."""
    cases: list[tuple[dict[str, Any], list[int], int]] = [
        (MANIFEST, [2, 64], 4), (MANIFEST, [8, 64], 1), (MANIFEST, [2, 3], 3),
        (MANIFEST, [2, 64, 2], 2), (MANIFEST, [2, 64, 9], 1),
        ({**MANIFEST, "windows": [9, None, 6]}, [0, 64], 6), ({**MANIFEST, "windows": [6, 9]}, [0, 64, 2], 3),
        ({**MANIFEST, "windows": [None, None]}, [8, 64], 64), ({**MANIFEST, "copies": False}, [2, 64], 1),
        ({**MANIFEST, "inputs": {"head_mask": "m"}}, [2, 64], 1),
    ]  # fmt: skip
    found = page_module.call(
        "inference/intervention_inputs.js", *(["copiesAtOnce", manifest, *given] for manifest, given, _ in cases)
    )
    assert found == [expected for *_, expected in cases]
