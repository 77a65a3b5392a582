"""What the page says before it reads a long text, against what Python then keeps of it."""

import json
import re
import subprocess

import numpy as np
import pytest

from export.site.serve import SITE
from pyscripts.kept_attention import KeptAttention
from pyscripts.kept_hidden_states import KeptHiddenStates
from pyscripts.trace import ATTENTION_BYTES, HIDDEN_BYTES, LONG_HIDDEN_BYTES
from tests.unit import page_module
from tests.unit.page_texts import NODE

pytestmark = pytest.mark.skipif(not NODE, reason="needs Node (make)")

MANIFEST = {"layers": 30, "heads": 9, "kv_heads": 3, "head_size": 64, "hidden_size": 576, "vocab_size": 49152}
CALL = """
import(process.argv[1]).then(({ costOf }) => {
  const [manifest, counts] = JSON.parse(process.argv[2]);
  console.log(JSON.stringify(counts.map((count) => costOf({ manifest }, count, true))));
});
"""


def said(*counts: int) -> list[str | None]:
    arguments = [(SITE / "page/cost.js").as_uri(), json.dumps([MANIFEST, counts])]
    command = [str(NODE), "-e", CALL, *arguments]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def test_the_page_and_python_keep_as_much() -> None:
    script = "import(process.argv[1]).then(({ KEPT }) => console.log(JSON.stringify(KEPT)))"
    assert page_module.run(script, "page/cost.js", None) == {
        "attention": ATTENTION_BYTES, "hiddenStates": HIDDEN_BYTES, "firstHiddenStates": LONG_HIDDEN_BYTES}


def test_what_is_kept_is_what_the_page_says() -> None:
    short, shortest, longer, whole, longest = said(500, 540, 600, 1539, 1540)
    assert short is None and shortest is not None and "kept" not in shortest
    assert longer is not None and "Attention is not kept; it is computed again when needed." in longer
    kept = KeptAttention(ATTENTION_BYTES)
    chunk = np.broadcast_to(np.float32(0), (30, 9, 1, 1))
    for count, complete in ((540, True), (600, False)):
        kept.append(chunk, count)
        assert kept.complete == complete
    assert whole is not None and longest is not None and "Hidden states" not in whole
    (first,) = re.findall(r"Hidden states are kept for the first ([\d,]+) tokens;", longest)
    for count, kept_of in ((1539, 1539), (1540, int(first.replace(",", "")))):
        states = KeptHiddenStates(HIDDEN_BYTES, LONG_HIDDEN_BYTES)
        states.append(np.broadcast_to(np.float32(0), (31, 1 + count, 576)), 1 + count)
        assert states.first().shape[1] == 1 + kept_of, "the prefix token is kept, too"


SPEEDS = """
import(process.argv[1]).then(({ costOf, noteSpeed, secondsFor }) => {
  const [small, large] = [0, 0].map(() => ({ manifest: JSON.parse(process.argv[2]) }));
  noteSpeed(small, 6, 500);
  const short = [small, large].map((model) => secondsFor(model, 64));
  noteSpeed(small, 100, 2000);
  const long = [small, large].map((model) => [secondsFor(model, 1000), /about 20 s/.test(costOf(model, 1000, true))]);
  noteSpeed(large, 100, 50000);
  console.log(JSON.stringify([...short, ...long, secondsFor(small, 1000), secondsFor(large, 1000)]));
});
"""


def test_a_model_s_speed_says_nothing_of_another_s() -> None:
    command = [str(NODE), "-e", SPEEDS, (SITE / "page/cost.js").as_uri(), json.dumps(MANIFEST)]
    said = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert said == [0.5, 0, [20, True], [0, False], 20, 500]
