"""What cannot be asked about a run is refused in a sentence, by every call that takes one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyscripts.native import Model, load

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
