"""Why a token was likely, for the lab: the methods of pyscripts.native's model, but awaited."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.checks import flag, said
from pyscripts.metrics import ablation, head_outputs
from pyscripts.metrics import attribution as direct
from pyscripts.model_outputs import ModelShape
from pyscripts.page.arrays import attention_of, to_numpy, values_of
from pyscripts.page.beside import LISTS, MEANS, OF_B, Attributed, Beside, attributed
from pyscripts.result import Run, check_run
from pyscripts.tokens import Target, target_ids

BATCH = 64  # variants that are requested at once
KIND = "lab"  # of variants


class LabWhy:
    """Passes of the model beside a run. What arrives for each request is kept until it is answered."""

    manifest: dict[str, Any]

    def __init__(self) -> None:
        self._besides: dict[int, tuple[Run, Beside]] = {}  # by request under way

    async def attribution(
        self, run: Run, token: int, target: Target = None, versus: Target = None
    ) -> direct.Attribution:
        """Splits the logit of a token, as the model saw it before the token, into what each part added
        (metrics.attribution.Attribution). target: another token (its id or text), in its place. versus: a token it is
        compared with; then it is the difference of the two logits that is split."""
        check_run(run, self.manifest)
        targets = target_ids(run.target(token, target), None if versus is None else run.target(token, versus))
        return direct.attribute((await self._attributed(run, token, targets)).recorded, self.manifest)

    async def contribution_weights(self, run: Run, token: int) -> NDArray[np.float64]:
        """[layer, head, key] the share of what each layer's attention added, where the token is predicted, that each
        head brought from each position (metrics.attribution.contribution_weights)."""
        check_run(run, self.manifest)
        one = await self._attributed(run, token, [run.target(token)])
        record = one.recorded
        return direct.contribution_weights(record.attentions, one.aligned, record.attention_output)

    async def dependence(self, run: Run, token: int, target: Target = None) -> NDArray[np.float64]:
        """[position] how the target's log-probability changes if the prediction may not look at that position directly,
        nats; for the positions before the one that predicts."""
        check_run(run, self.manifest)
        return await self._changes(run, token, target, [{"cut": [key]} for key in range(run.predicting(token))], "last")

    async def head_sweep(
        self, run: Run, token: int, target: Target = None, scope: str = "last", mean: bool = False
    ) -> NDArray[np.float64]:
        """[layer, head] how the target's log-probability changes if one head is off, nats; scope: where it is off, at
        the position that predicts ("last") or in the whole text ("text"). Off is zero ablation or, with `mean`, mean
        ablation: its mean output (`head_means`) is put in its place."""
        if scope not in ("last", "text"):
            raise ValueError(f"scope is 'last' or 'text', not {said(scope)}.")
        check_run(run, self.manifest)
        layers, heads = self.manifest["layers"], self.manifest["heads"]
        means = await self.head_means(run) if flag("mean", mean) else None
        at = run.predicting(token) if scope == "last" else None
        variants = [ablation.variant([(layer, head)], means, at) for layer in range(layers) for head in range(heads)]
        return (await self._changes(run, token, target, variants, scope)).reshape(layers, heads)

    async def head_means(self, run: Run) -> NDArray[np.float32]:
        """[layer, head, head_size] each head's output before the output projection, mean over all positions of the
        run's text, prefix included, as the unchanged model reads it (metrics/ablation.py)."""
        check_run(run, self.manifest)
        return await self._heads(run, MEANS, {})

    async def head_outputs(self, run: Run) -> NDArray[np.float32]:
        """[layer, head, position, head_size] each head's output before the output projection under the run's
        interventions, with what they add to it (metrics/head_outputs.py). Positions count the prefix token."""
        check_run(run, self.manifest)
        return head_outputs.with_added(
            await self._heads(run, OF_B, run.interventions), run.interventions, self.manifest)

    async def _heads(self, run: Run, of: str, changes: Mapping[str, Any]) -> NDArray[np.float32]:
        head_outputs.check(self.manifest)
        beside = await self._beside("readHeads", run, run.position_ids, of=of, interventions=dict(changes))
        return beside.heads[of]

    async def _attributed(self, run: Run, token: int, targets: list[int]) -> Attributed:
        direct.check(self.manifest)
        ids = run.position_ids[: run.predicting(token) + 1]
        return (await self._beside("attribute", run, ids, targets=targets)).attributed[0]

    async def _changes(
        self, run: Run, token: int, target: Target, variants: Sequence[Mapping[str, Any]], scope: str
    ) -> NDArray[np.float64]:
        """[variant] the change of the target's log-probability, nats."""
        position, targets = run.predicting(token), [run.target(token, target)]
        ids, every, logprobs = run.position_ids[: position + 1], [{}, *variants], list[NDArray[np.float64]]()
        for start in range(0, len(every), BATCH):
            part = [dict(one) for one in every[start : start + BATCH]]
            batch = {"kind": KIND, "scope": scope, "position": position, "targets": targets, "first": 0,
                     "variants": part, "of": len(part)}
            beside = await self._beside("runVariants", run, ids, batch=batch)
            logprobs.append(beside.variants[KIND, position, tuple(targets)].logprobs[:, 0])
        found = np.concatenate(logprobs)
        return np.asarray(found[1:] - found[0])

    async def _beside(self, kind: str, run: Run, ids: NDArray[np.int64], **request: Any) -> Beside:
        """What a request brought."""
        number, beside = self._number(), Beside()
        self._besides[number] = run, beside
        if batch := request.get("batch"):
            beside.begin((KIND, batch["position"], tuple(batch["targets"])), batch["variants"])
        try:
            about = {"runId": number, "ids": ids.tolist(), "interventions": dict(run.interventions)}
            await self._answer(kind, {**about, **request})
            return beside
        finally:
            del self._besides[number]

    def _number(self) -> int:
        raise NotImplementedError

    async def _answer(self, kind: str, request: Mapping[str, Any]) -> None:
        raise NotImplementedError

    # What the inference worker calls while it answers, as in beside_session.BesideSession.

    def attributed(self, number: int, request: str, outputs: Any) -> None:
        """Takes what the graph gave out for one position. request (JSON): {position, targets}."""
        names = ("embedding", "rows", "constants", "logits", *LISTS)
        arrays = {name: to_numpy([part], (1, part.length))[0] for name in names if (part := getattr(outputs, name))}
        run, beside = self._besides[number]
        shape = ModelShape.of(self.manifest)
        beside.keep(attributed(json.loads(request), arrays, shape, self.manifest, run.interventions))

    def variants_read(self, number: int, request: str, logits: Any) -> None:
        """Takes logits [variant, vocabulary] of variants of one position; request: see views/variants.py."""
        size = self.manifest["vocab_size"]
        rows = to_numpy([logits], (1, logits.length // size, size))[0]
        self._besides[number][1].take(json.loads(request), rows)

    def add_head_attention(self, number: int, of: str, first: int, count: int, parts: Any) -> None:
        """Takes attention of `count` queries from `first` on, one array for each layer."""
        self._besides[number][1].add_attention(of, attention_of(parts, self.manifest, first, count), first)

    def head_values(self, number: int, of: str, parts: Any) -> None:
        """Takes the values of all positions after it, one array for each layer."""
        self._besides[number][1].take_values(of, values_of(parts, self.manifest))
