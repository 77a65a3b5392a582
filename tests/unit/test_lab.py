"""The lab in Python: code that awaits, prints and fails, what values are shown as, and the page's run handed over."""

import asyncio
import json
import re
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from pyscripts.lab.runner import MOST_PRINTED, Outcome, execute, names_in
from pyscripts.lab.shade import coloured
from pyscripts.model_outputs import ModelShape
from pyscripts.page.lab_session import LabSession
from pyscripts.page.session import Session
from pyscripts.result import Run
from pyscripts.run import Reading
from pyscripts.strides import StridedTrace
from tests.awaited import awaited
from tests.unit.test_charts import call
from tests.unit.test_page_session import IDS, MODEL, begun, hand, read
from tests.unit.test_tokens import Floats
from tests.unit.test_trace import outputs

OUTPUTS = {"logits": "logits", "attentions": ["a"], "hidden_states": ["h"]}
MANIFEST = {**MODEL, "inputs": {}, "outputs": OUTPUTS, "context_length": 8}


def run(source: str, **names: Any) -> tuple[Outcome, str]:
    printed: list[str] = []
    return awaited(execute(source, names, printed.append)), "".join(printed)


def test_the_value_is_that_of_the_last_line() -> None:
    assert run("x = 3\nx + 1")[0] == Outcome(4)
    assert run("x = 3")[0] == run("")[0] == run("# nothing")[0] == Outcome(None)
    outcome, printed = run("import asyncio\nprint('a', 'b')\nawait asyncio.sleep(0)\n[await each() for _ in 'ab']",
                           each=lambda: asyncio.sleep(0, "here"))
    assert outcome.value == ["here", "here"] and printed == "a b\n"
    assert run("__name__, sorted(k for k in globals() if k[0] != '_')", given=1)[0].value == ("__main__", ["given"])


def test_an_error_shows_the_lines_of_the_code_only() -> None:
    outcome, _ = run("import json\ndef read(text):\n    return json.loads(text)\n\nread('{')")
    assert outcome.error is not None
    assert outcome.lines == (5, 3) and outcome.value is None
    assert outcome.error.splitlines()[-1].startswith("json.decoder.JSONDecodeError: ")
    assert "return json.loads(text)" in outcome.error and "decoder.py" not in outcome.error
    outcome, _ = run("a = 1\nb = = 2")
    assert outcome.lines == (2,) and outcome.error is not None and "SyntaxError" in outcome.error
    outcome, _ = run("try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('no') from e")
    assert outcome.lines == (4,) and outcome.error is not None and "division by zero" in outcome.error
    assert run("raise SystemExit(3)")[0].error == "Traceback (most recent call last):\n" \
        '  File "<your code>", line 1, in <module>\n    raise SystemExit(3)\nSystemExit: 3'
    assert run("raise MemoryError")[0].out_of_memory
    outcome, _ = run("reading = read('a')\ntry: reading.logprob\nfinally: reading.close()", read=lambda text: _never())
    assert outcome.error is not None and "write await before them" in outcome.error


async def _never() -> None: ...


def test_a_value_that_was_not_awaited_is_said(recwarn: pytest.WarningsRecorder) -> None:
    code = "async def read():\n    return 1\n\nread()"
    outcome, printed = run(code)
    assert outcome.error == "The last line gives a coroutine, not its result. Write await before it."
    assert outcome.lines == (4,) and not printed and not recwarn.list
    assert run(code.replace("\nread()", "\nawait read()"))[0] == Outcome(1)


def test_code_is_stopped() -> None:
    async def stopped() -> Outcome:
        task = asyncio.ensure_future(execute("import asyncio\nawait asyncio.sleep(60)", {}))
        await asyncio.sleep(0)
        task.cancel()
        return await task

    assert awaited(stopped()).stopped
    assert run("raise KeyboardInterrupt")[0] == Outcome(error="Stopped.", stopped=True)


def test_what_is_printed_is_shown_in_order_and_cut() -> None:
    shown: list[str] = []
    awaited(execute("for i in range(5000): print(i)", {}, shown.append))
    assert "".join(shown).split() == [str(i) for i in range(5000)]
    assert 100 <= len(shown) < 300  # the first lines at once, then in blocks
    _, printed = run("while len(x) < 50: x.append(print('y' * 10_000))", x=[])
    assert len(printed) < MOST_PRINTED + 100 and printed.endswith("can be shown.\n")
    assert run("import sys; sys.stderr.write('no end')")[1] == "no end"


def test_what_is_printed_goes_on_without_a_show_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert awaited(execute("for i in range(3): print(i)", {})) == Outcome(None)
    assert capsys.readouterr().out == "0\n1\n2\n"


def test_nobody_answers_input() -> None:
    before = sys.stdin
    for code in ("input('your name? ')", "import sys; sys.stdin.read()", "import sys; [line for line in sys.stdin]"):
        error = run(code)[0].error
        assert str(error).endswith("EOFError: There is no keyboard input here. Write the value into the code.")
    assert sys.stdin is before


def test_names_that_code_mentions() -> None:
    assert names_in("a.b(c).d = run.attentions[0]") >= {"a", "b", "c", "d", "run", "attentions"}
    assert names_in("'run'") == names_in("x = =") == set()


def test_colours_of_classes_and_numbers() -> None:
    classes = coloured(["b", "a", "b"], order=["a", "b"])
    assert classes.legend.labels == ["a", "b"] and not classes.legend.continuous
    assert classes.light.background[0] == classes.light.background[2] == classes.legend.light.background[1]
    hues = coloured([0, 75, 150, np.nan], "hue")
    assert hues.light.background == ["#f0c2c2", "#e4f0c2", "#c2f0d9", "transparent"]  # hsl(h 60% 85%), worked out
    assert hues.light.text[3] == "inherit"
    signed = coloured([-1, 4])
    assert signed.legend.labels == ["−4", "0", "4"]
    assert signed.light.background[1] == signed.legend.light.background[2]
    with pytest.raises(ValueError, match="no palette 'x'"):
        coloured([1.0], "x")
    with pytest.raises(ValueError, match="six classes"):
        coloured(list("abcdefg"))
    with pytest.raises(ValueError, match="one value for each token"):
        coloured([[1.0]])


# Over the page's run, as the two workers hand it over.


def page_session() -> Session:
    session = Session()
    session.use_model(json.dumps(MODEL), json.dumps(list("abcdef")), "[]")
    begun(session, 1, IDS)
    read(session, 1, IDS, 0, 3)
    read(session, 1, IDS, 3, len(IDS) + 1)
    return session


def lab(session: Session, *, hidden_states: bool = True, attentions: bool = True) -> LabSession:
    async def ask(kind: str, request: str) -> str:
        return "no model here"

    given = LabSession()
    given.use_model(json.dumps(MANIFEST), json.dumps(list("abcdef")), "[]", ask)
    given.take_run(*handed(session, hidden_states=hidden_states, attentions=attentions))
    return given


def handed(session: Session, *, hidden_states: bool = True, attentions: bool = True) -> tuple[str, SimpleNamespace]:
    """The page's run, as JavaScript hands it over."""
    answer = session.hand_over(1, hidden_states, attentions)
    arrays = {name: SimpleNamespace(data=Exact(array), shape=list(array.shape))
              for name, array in answer["arrays"].items()}
    return answer["json"], SimpleNamespace(**arrays)


class Exact(Floats):
    """A JavaScript typed array of any type."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values.copy()

    def assign_to(self, target: np.ndarray) -> None:
        assert target.dtype == self.values.dtype
        target[...] = self.values.reshape(target.shape)


def shown(session: LabSession, source: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    answer = awaited(session.execute(source, "there is no run", lambda text: None))
    return json.loads(answer["json"]), answer["arrays"]


def test_the_run_is_the_page_s() -> None:
    session = page_session()
    here = session._current(1).reading
    there = lab(session)._run
    assert there is not None
    assert there.ids.tolist() == IDS and there.text == here.tokens.text
    for name in ("logprob", "rank", "entropy", "top_ids", "top_logprobs"):
        ours, theirs = (getattr(each.trace.statistics(), name) for each in (here, there.reading))
        assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype
    assert_array_equal(there.resid, here.trace.hidden_states())
    assert_array_equal(there.attentions, here.trace.kept_attention.all())
    assert there.to_json() == {**json.loads(session.view(1, "run", "{}")["json"])}
    small = lab(session, hidden_states=False, attentions=False)._run
    for name in ("resid", "attentions"):
        with pytest.raises(ValueError, match=r"to be kept|not kept"):
            getattr(small, name)


def test_a_generated_run_keeps_how_each_token_was_chosen() -> None:
    session, given = Session(), IDS[:2]
    session.use_model(json.dumps(MODEL), json.dumps(list("abcdef")), "[]")
    options = {"temperature": 0.9, "topK": 4, "frequencyPenalty": 0.5, "seed": 7}
    begun(session, 1, given, given=len(given), options=options)
    ids = [0, *given]
    pending, start = outputs(ids, 0, len(ids)), 0
    for _ in range(3):
        id = session.sample(1, Exact(pending.logits[-1]))
        piece = b"abcdef"[id : id + 1]
        appended = {"id": id, "hex": piece.hex(), "control": False}
        hand(session, 1, [pending], [appended])
        start, ids = len(ids), [*ids, id]
        pending = outputs(ids, start, len(ids))
    hand(session, 1, [pending], [])
    page = json.loads(session.view(1, "run", "{}")["json"])
    assert [step["token"] for step in page["steps"]] == [2, 3, 4]
    assert [filter["name"] for filter in page["steps"][1]["filters"]] == ["frequency_penalty", "temperature", "top_k"]
    there = lab(session)._run
    assert there is not None and there.to_json() == page


def test_what_a_code_needs_of_the_run() -> None:
    session = lab(page_session())
    for source, needs in [("run.logprob", {"hidden_states": False, "attentions": False}), ("1 + 1", None),
                          ("x = run\nx.attentions", {"hidden_states": False, "attentions": True}),
                          ("await run.lens(2)", {"hidden_states": True, "attentions": False}),
                          ("@metric('a', '', '')\ndef a(scored): ...", {"hidden_states": False, "attentions": False})]:
        assert json.loads(session.needs(source)) == needs


def test_what_goes_wrong_is_said() -> None:
    session = lab(page_session())
    value, _ = shown(session, "class A:\n  def __repr__(self): return 1 / 0\nA()")
    assert value["kind"] == "error" and "division by zero" in value["error"] and value["lines"] == []
    value, _ = shown(session, "await model.read('a')")
    assert value["error"].endswith("ValueError: no model here") and value["lines"] == [1]
    assert "no option 'tokens'" in shown(session, "await model.generate('a', tokens=3)")[0]["error"]
    for code, said in (
        ("read([-1])", "-1 is not a token id; this model's are 0 to 5."),
        ("read([99999999])", "99999999 is not a token id; this model's are 0 to 5."),
        ("read([1.5, 2])", "1.5 is not a token id; this model's are 0 to 5."),
        ("read('a', stride=0)", "stride must be a whole number from 1 to 7, not 0."),
        ("read('a', top_k=51)", "top_k must be a whole number from 0 to 50, not 51."),
        ("generate('a', temperature=np.nan)", "temperature must be 0 (greedy) or more, not nan."),
        ("generate('a', stop='')", "stop must be a text or a list of texts, none of them empty, not ''."),
        ("attribution(run, 99)", "There is no token 99: the text has 5 tokens, numbered from 0."),
    ):
        assert shown(session, f"await model.{code}")[0]["error"].endswith(f"ValueError: {said}")
    assert "nothing called 'mlp'" in shown(session, "await model.read('a', keep='mlp')")[0]["error"]
    assert "2 colours, but the text has 5 tokens" in shown(session, "coloured([1, 2])")[0]["error"]
    session.forget_run()
    assert shown(session, "run.logprob")[0]["error"] == "there is no run"
    assert shown(session, "1 + 1")[0] == {"kind": "text", "text": "2"}


def test_settings_are_filled_in_as_python() -> None:
    code = 'token = 0  # its index\nname = "x"\n\nother = token = 1\nif name = 2'
    values = {"token": 7, "name": 'a "quoted" $& text\n\u2028🦩', "absent": 1, "if name": 3}
    found = call("../lenses/python/filled", "filled", code, values)
    names: dict[str, Any] = {}
    exec("\n".join(found.split("\n")[:2]), names)
    assert names["token"] == 7 and names["name"] == values["name"]
    assert found.splitlines()[0] == "token = 7  # its index" and "absent" not in found
    settings = [None, True, -0.5, [1, [2]], {"maxTokens": 3, "stop": ["\\n"], "nothing": None}]
    assert eval(call("../lenses/python/filled", "literal", settings)) == [
        None, True, -0.5, [1, [2]], {"max_tokens": 3, "stop": ["\\n"], "nothing": None}]


@pytest.mark.parametrize("call", ["attribution(run, 3)", "contribution_weights(run, 3)", "dependence(run, 3)",
                                  "head_sweep(run, 3)", "head_means(run)", "head_outputs(run)"])
def test_a_model_is_asked_about_its_own_runs_of_one_pass(call: str) -> None:
    """Neither about a run of another model, nor about one that was read in windows."""
    session = lab(page_session())
    assert session._model is not None and session._run is not None
    other = Run(SimpleNamespace(manifest={"sha256": "1" * 64}), session._run.reading, ())
    windowed = StridedTrace(IDS * 3, ModelShape.of(MANIFEST), 8, 4, prefix=False)
    in_windows = Run(session._model, Reading(windowed, session._run.tokens, {}), ())
    never = _never()
    for given, said in ((other, "ValueError: .* read with another model. Read it with this one."),
                        (in_windows, "ValueError: This text was read in windows: layers and attention need a text"),
                        (never, "TypeError: A run is what read or generate gives, .*write await before them")):
        outcome, _ = run(f"await model.{call}", model=session._model, run=given)
        assert re.search(said, str(outcome.error)), outcome.error
    never.close()


def test_mean_is_true_or_false() -> None:
    session = lab(page_session())
    outcome, _ = run("await model.head_sweep(run, 3, mean='no')", model=session._model, run=session._run)
    assert "mean must be True or False, not 'no'" in str(outcome.error)
