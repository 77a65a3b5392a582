"""What cannot be asked about a run is refused in a sentence, by every call that takes one."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyscripts.native import Model, Run, load
from pyscripts.saved import open_run

TEXT = "The quick brown fox jumps over the lazy dog. The quick brown fox jumps over the"


def test_windows_and_interventions_exclude_each_other(model: Model) -> None:
    with pytest.raises(ValueError, match="read in windows cannot have interventions"):
        model.read(TEXT * 20, stride=100, interventions={"heads": [{"layer": 0, "head": 0, "scale": 0}]})


def asked(model: Model) -> dict[str, Callable[[Any], Any]]:
    """Every call that takes a run, by its name."""
    return {
        "attribution": lambda run: model.attribution(run, 3),
        "contribution_weights": lambda run: model.contribution_weights(run, 3),
        "dependence": lambda run: model.dependence(run, 3),
        "head_sweep": lambda run: model.head_sweep(run, 3, mean=True),
        "heads_off": lambda run: model.heads_off(run, 3, [(0, 1)], scope="text"),
        "head_means": lambda run: model.head_means(run),
        "head_outputs": lambda run: model.head_outputs(run),
        "context_curve": lambda run: model.context_curve(run, 3),
        "patch_sweep": lambda run: model.patch_sweep(run, run),
        "patch_head_sweep": lambda run: model.patch_head_sweep(run, run),
        "steering_vector": lambda run: model.steering_vector(run, [run], 1),
    }


def test_a_run_is_of_one_pass_and_of_this_model(model: Model, model_folder: Path) -> None:
    windowed = model.read(TEXT * 20, stride=100)
    folder = next(each for each in sorted(model_folder.parent.iterdir())
                  if each.name in ("tiny-gpt2", "tiny-llama") and each != model_folder)
    other = load(folder, threads=1).read(TEXT)
    for name, ask in asked(model).items():
        with pytest.raises(ValueError, match=r"This text was read in windows: .* need a text within the context\."):
            ask(windowed)
        with pytest.raises(ValueError, match=r"another model\. Read it with this one\."):
            ask(other)
        with pytest.raises(TypeError, match="A run is what read or generate gives, not 'a text'"):
            ask("a text")
        assert name in dir(model)


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError


LONG = "x" * 100_000
WRONG: list[tuple[Callable[[Model, Run, Any], Any], list[Any], str]] = [  # a call, wrong arguments, what is said
    (lambda model, run, no: model.patch_head_sweep(run, model.read(TEXT[1:]), align="end", token=no),
     [8.5, "8", True, np.array([1.5]), -2, 10**6, [0], Unprintable(), LONG], "There is no token "),
    (lambda model, _, no: model.read(TEXT, keep=no), [True, 5, {}, np.array(1), object()],
     "keep is a list of attentions, resid, attn_out, mlp_out, not "),
    (lambda model, _, no: model.generate(TEXT, keep=no), [[["resid"]], ["x"], "", LONG],
     "There is nothing called "),
    (lambda model, _, no: model.read(TEXT, interventions=no), [0, "", set(), [], np.array(1), LONG],
     "interventions must be an object, not "),
    (lambda model, _, no: model.read(TEXT, interventions={"cut": [{"query": 2, "keys": no}]}),
     [np.array(1), 1, LONG, []], "interventions: cut[0].keys must be a list of at least one whole number."),
    *((lambda model, _, no, name=name: model.read(
        TEXT, interventions={"cut": [{"query": 2, "keys": [0], name: no}]}),
       [np.array(1), 1, []], f"interventions: cut[0].{name} must be a list of at least one whole number.")
      for name in ("layers", "heads")),
    (lambda model, _, no: model.read(
        TEXT, interventions={"add": [{"layer": 0, "position": 1, "vector": no}]}),
     [np.array(1), 1, LONG, []], "interventions: add[0].vector must be a list of "),
    (lambda model, _, no: model.read(no), [np.array(1), 5, None, Unprintable()],
     "The text must be a string or a list of token ids, not "),
    (lambda model, run, no: model.attribution(run, 3, no), ["", LONG], "is not one token of this model."),
    (lambda model, run, no: model.patch_sweep(run, run, align=no), ["", "x", LONG], "align is one of start, "),
    (lambda model, run, no: model.heads_off(run, 3, no), [np.array(1), [np.array(1)], LONG],
     "heads is a list of pairs (layer, head), such as [(0, 1)], not "),
    (lambda model, _, no: model.generate(TEXT, frequency_penalty=no), [10**30, -1e300],
     "frequency_penalty must be from -1e+09 to 1e+09, not "),
    (lambda model, _, no: model.generate(TEXT, frequency_penalty=no), [10**400, LONG, [1]],
     "frequency_penalty must be a number, not "),
    (lambda model, _, no: model.generate(TEXT, repetition_penalty=no), [1e-308, 0, 10**30],
     "repetition_penalty must be from 1e-09 to 1e+09, not "),
    (lambda model, _, no: model.generate(TEXT, seed=no), [np.uint64(2**63), 10**30, -1, LONG],
     "seed must be a whole number from 0 to 9007199254740991, not "),
    (lambda model, _, no: model.generate(TEXT, greedy=no), [5, LONG], "greedy must be True or False, not "),
    (lambda _, run, no: run.metric(no), [{}, [], None, np.array(1), LONG], "There is no column "),
    (lambda _, run, no: run.of_tokens(no), [None, [0], LONG], "of_tokens takes an array, such as "),
    *((lambda _, run, no, call=call: call(run, no), [None, 5, b"x", "", "a\0b", "\ud800", LONG],
       f"{what} must be a path, not ") for what, call in (
        ("The model folder", lambda _, no: load(no)), ("The file", lambda run, no: run.save(no)),
        ("The file", lambda _, no: open_run(no)))),
]


@pytest.mark.parametrize(("call", "wrong", "said"), WRONG, ids=[said for _, _, said in WRONG])
def test_a_wrong_argument_is_answered_with_one_short_sentence(
    model: Model, call: Callable[[Model, Run, Any], Any], wrong: list[Any], said: str
) -> None:
    run = model.read(TEXT)
    for each in wrong:
        with pytest.raises(ValueError, match=re.escape(said)) as caught:
            call(model, run, each)
        words = str(caught.value)
        assert len(words) < 400 and "\n" not in words and words.endswith((".", "]"))


def test_what_is_not_given_is_the_default(model: Model) -> None:
    none: Any = None
    assert len(model.generate(TEXT, max_tokens=none, stop_at_end=False).steps) == 50


def test_heads_that_are_named_twice_are_off_once(model: Model) -> None:
    run = model.read(TEXT)
    once = model.heads_off(run, 9, [(0, 1), (1, 2)], mean=True)
    for twice in ([(0, 1), (1, 2), (0, 1)], np.array([[0, 1], [1, 2], [0, 1]])):
        assert model.heads_off(run, 9, twice, mean=True) == pytest.approx(once, abs=1e-6)  # type: ignore[arg-type]
    for wrong in ([0, 1], [(0,)], [(0, 1, 2)], "01", 3, (0, 1)):
        with pytest.raises(ValueError, match=r"heads is a list of pairs \(layer, head\), such as \[\(0, 1\)\]"):
            model.heads_off(run, 9, wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no layer 0, head 99"):
        model.heads_off(run, 9, [(0, 99)])
    no: Any = "no"
    for ask in (lambda: model.head_sweep(run, 9, mean=no), lambda: model.heads_off(run, 9, [(0, 1)], mean=no),
                lambda: model.steering_vector(run, run, 1, no)):
        with pytest.raises(ValueError, match="mean must be True or False, not 'no'"):
            ask()
