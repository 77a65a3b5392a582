"""Stands in for the page: a text, what is chosen in it, a panel's view, its Python as filled in; no browser."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.testing import assert_allclose

from pyscripts import interventions, patching
from pyscripts.lab.plot import plot
from pyscripts.lab.runner import execute
from pyscripts.lab.shade import coloured
from pyscripts.metrics import compare
from pyscripts.metrics.likelihood import NO_TARGET, logprobs_of
from pyscripts.native import Model, Run, why
from pyscripts.page.beside import Attributed, Beside
from pyscripts.page.patches import Patch
from pyscripts.page.views import VIEWS, Context, Inspected, head_grid, layers, streams
from pyscripts.tokens import token_id
from tests.awaited import awaited
from tests.unit.test_charts import call

PANELS = Path(__file__).resolve().parents[2] / "site/lab/panels"
QUANTITIES, SHADES = (*layers.QUANTITIES, *layers.LENS), tuple(head_grid.SHADES)  # of two panels
KEEP = ("attentions", "resid", "attn_out", "mlp_out")
WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", ".", "It", "was", "42", ",", "def"]


class Awaited:
    """A native model whose methods are awaited, as the page's are."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._model, name)
        if not callable(member):
            return member

        async def call_it(*given: Any, **options: Any) -> Any:
            return member(*given, **options)

        return call_it


class AwaitedRun(Run):
    """A run whose lens is awaited."""

    async def lens(self, *given: Any, **options: Any) -> Any:
        return super().lens(*given, **options)


class Page:
    """One run with its views, as the page has them, and things drawn from it."""

    def __init__(self, model: Model, generator: np.random.Generator, **conditions: Any) -> None:
        self.model, self.generator, self.beside = model, generator, Beside()
        self.run = self.read(**conditions)
        self.a = self.read()  # the pinned reading
        first = 0 if self.run.reading.trace.first else 1
        self.token = int(generator.integers(max(first, 4), len(self.run.ids)))
        self.layer, self.head = (int(generator.integers(model.manifest[name])) for name in ("layers", "heads"))
        unlike = [*self.run.ids, token_id("ow", model.vocabulary)]  # the checks compare these with the two
        others = np.setdiff1d(np.arange(model.manifest["vocab_size"]), unlike)
        self.target, self.versus = generator.choice(others, 2, replace=False).tolist()
        self.inspected: Inspected | None = None

    def read(self, **conditions: Any) -> Run:
        """A drawn text, the second half of which repeats some of the first."""
        words = self.generator.choice(WORDS, 12).tolist()
        return self.model.read(" ".join([*words, *words[3:8]]), keep=KEEP, **conditions)

    def view(self, of: str, /, **args: Any) -> dict[str, Any]:
        """A view's answer, after all it lacks has been computed."""
        stream = patching.stream(self.a.reading, self.model.manifest["sha256"])
        while True:
            answer: dict[str, Any] = VIEWS[of](self.context(stream), **args)
            if not answer.get("missing"):
                return answer
            self.compute(answer["missing"], stream)

    def context(self, stream: patching.Stream | None) -> Context:
        pinned = compare.Reading(self.model.manifest["name"], self.a.tokens, self.a.logprob)
        return Context(self.run.reading, self.model.manifest, self.model.vocabulary, self.inspected,
                       pinned=pinned, pinned_stream=stream, beside=self.beside)

    def compute(self, missing: dict[str, Any], stream: patching.Stream | None) -> None:
        run, model, ids = self.run, self.model, self.run.position_ids.tolist()
        if "done" in missing:
            return self.read_lens()
        if missing["kind"] == "attribution":
            return self.beside.keep(self.attributed(missing["position"], missing["targets"]))
        if missing["kind"] == "head_outputs":
            of = missing["of"]
            read = model.read(missing["ids"], prefix=False, interventions=missing["interventions"])
            self.beside.heads[of] = model.head_means(run) if of == "means" else model.head_outputs(read)
            return
        if missing["kind"] == "untouched":
            for rows in model.logits(ids):
                self.beside.read_untouched(rows, ids)
            return
        kind, position, targets = missing["kind"], missing["position"], missing["targets"]
        variants = self.beside.variants[kind, position, tuple(targets)]
        for i, variant in enumerate(missing["variants"], missing["first"]):
            if missing["scope"] == "last" and "patch" not in variant:
                variants.logprobs[i] = why.copied(model, run, np.array([position]), [variant], targets)[0]
                continue
            own, changes = variant.get("ids"), run.interventions
            if "patch" in variant:
                layer, begin, *head = variant["patch"]
                wanted, m = Patch.of(kind), model.manifest
                a, b = streams(self.context(stream), wanted)
                rows = wanted.rows(a, b, begin, m["heads"])[:, layer]  # [position, size]
                if head:
                    rows = rows.reshape(len(rows), m["heads"], -1)[:, head[0]]
                of_head = {"head": head[0]} if head else {}
                add = [{"layer": layer, "position": at, "vector": row, **of_head} for at, row in enumerate(rows, begin)]
                changes = interventions.varied(changes, {"add": add}, 0)
            elif own is None:
                changes = interventions.varied(changes, variant, position)
            else:
                changes = {"heads": changes.get("heads", ())}
            variants.logprobs[i] = logprobs_of(self.last(own or ids[: position + 1], changes)[None], targets)[0]

    def last(self, ids: list[int], changes: Any = None) -> np.ndarray:
        """[vocabulary] after ids."""
        name = self.model.manifest["outputs"]["logits"]
        *_, (outputs, _) = self.model.session.chunks(ids, [name], interventions=changes, last=True)
        return np.asarray(outputs[name][0, -1])

    def attributed(self, position: int, targets: list[int]) -> Attributed:
        """With each layer's heads along its own output, one layer at a time."""
        model, run = self.model, self.run
        record = why.recorded(model, run, position, targets)
        aligned = []
        for layer, name in enumerate(model.manifest["outputs"]["direct"]):
            own = interventions.inputs(run.interventions, model.manifest, np.array([position]), position + 1)
            values = model.session.forward(
                run.position_ids[None, position : position + 1], [name], past=why.past_before(model, run, position),
                changes={**own, "direction": record.attention_output[layer : layer + 1]})
            aligned.append(values[name].reshape(record.attentions.shape[1:]))
        return Attributed(tuple(targets), record, np.array(aligned))

    def inspect(self, position: int) -> None:
        """Runs one position again with every layer's state through the lens."""
        model, ids = self.model, self.run.position_ids
        names, states = model.manifest["outputs"], self.run.resid[:-1, position]
        own = interventions.inputs(self.run.interventions, model.manifest, np.array([position]), position + 1)
        found = model.session.forward(
            ids[None, position : position + 1], [names["logits"], names["lens_logits"]],
            past=why.past_before(model, self.run, position), changes={**own, "lens": states})
        self.inspected = Inspected(position, found[names["logits"]][0, 0], found[names["lens_logits"]])

    def read_lens(self) -> None:
        """Runs every token's position again with every layer's state through the lens."""
        first = self.run.position(0)
        for position in range(first, len(self.run.position_ids)):
            self.inspect(position)
            assert self.inspected is not None and self.inspected.lens_logits is not None
            following = [*self.run.position_ids.tolist(), NO_TARGET][position + 1]
            self.beside.read_lens(position - first, self.inspected.lens_logits[:, None], self.inspected.logits[None],
                                  [following])

    def code(self, panel: str, settings: dict[str, Any]) -> Any:
        """The value of a panel's code, with these settings filled in."""
        source = call("../lenses/python/filled", "filled", (PANELS / f"{panel}.py").read_text("utf-8"), settings)
        run = AwaitedRun(self.model, self.run.reading, ())
        names = {"run": run, "model": Awaited(self.model), "np": np, "coloured": coloured, "plot": plot}
        outcome = awaited(execute(source, names, lambda text: None))
        assert outcome.error is None, outcome.error
        return outcome.value


def close(found: Any, expected: Any, atol: float = 2e-4) -> None:
    """Within atol; None and NaN: no number."""
    assert_allclose(np.array(found, float), np.array(expected, float), atol=atol, rtol=1e-4)


Check = Callable[[Page], None]
CHECKS: dict[str, Check] = {}


def of(panel: str) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        CHECKS[panel] = check
        return check

    return register
