"""Why a token was likely, without a browser: direct logit attribution, and what changes if something is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pyscripts import interventions, patching
from pyscripts.alignment import Align
from pyscripts.checks import flag, said
from pyscripts.metrics import ablation, head_outputs
from pyscripts.metrics import attribution as direct
from pyscripts.metrics.likelihood import logprobs_of
from pyscripts.native.session import Past
from pyscripts.result import check_run
from pyscripts.tokens import Target, target_ids

if TYPE_CHECKING:
    from pyscripts.native.model import Model
    from pyscripts.result import Run

COPIES = 256  # tokens, at most, in one pass of copies


@dataclass(frozen=True)
class Curve:
    """The target's log-probability by how many tokens of the context the model saw."""

    tokens: NDArray[np.int64]  # [step] 1, 2, 4 … of the text before the token; the last is all of them
    logprob: NDArray[np.float64]  # [step] nats


def attribution(
    model: "Model", run: "Run", token: int, target: Target = None, versus: Target = None
) -> direct.Attribution:
    """Model.attribution."""
    direct.check(model.manifest)
    check_run(run, model.manifest)
    position = run.predicting(token)
    targets = target_ids(run.target(token, target), None if versus is None else run.target(token, versus))
    return direct.attribute(recorded(model, run, position, targets), model.manifest)


def recorded(model: "Model", run: "Run", position: int, targets: Sequence[int]) -> direct.Recorded:
    """Reads one position again, for what its parts add along the logits of `targets` (token ids)."""
    names, m = model.manifest["outputs"], model.manifest
    ids, changes = run.reading.trace.ids, run.reading.interventions
    own = interventions.inputs(changes, m, np.array([position]), position + 1)
    lists = ("attention_output", "mlp_output", "attentions", "direct")
    outputs = [names["logits"], names["hidden_states"][0], names["target_rows"], names["target_constants"]]
    outputs += [name for each in lists for name in names[each]]
    values = model.session.forward(
        np.array([[ids[position]]], np.int64), outputs, past=past_before(model, run, position),
        changes={**own, "target_ids": np.array(targets, np.int64)})

    def stacked(name: str) -> NDArray[np.float32]:
        return np.stack([values[one] for one in names[name]])

    layers, keys = m["layers"], position + 1
    added = own.get("residual_add")
    return direct.Recorded(
        position=position,
        embedding=values[names["hidden_states"][0]][0, 0],
        attention_output=stacked("attention_output")[:, 0, 0],
        mlp_output=stacked("mlp_output")[:, 0, 0],
        attentions=stacked("attentions")[:, 0, :, 0],
        direct=stacked("direct").reshape(layers, len(targets), m["heads"], keys),
        rows=values[names["target_rows"]],
        constants=values[names["target_constants"]],
        logits=values[names["logits"]][0, 0, list(targets)],
        added=None if added is None else added[:, 0],
    )


def contribution_weights(model: "Model", run: "Run", token: int) -> NDArray[np.float64]:
    """Model.contribution_weights."""
    direct.check(model.manifest)
    check_run(run, model.manifest)
    names, position = model.manifest["outputs"], run.predicting(token)
    record = recorded(model, run, position, [run.target(token)])
    ids, own = run.reading.trace.ids, interventions.inputs(
        run.interventions, model.manifest, np.array([position]), position + 1)
    values = model.session.forward(
        np.array([[ids[position]]], np.int64), names["direct"], past=past_before(model, run, position),
        changes={**own, "direction": record.attention_output})
    layers = np.arange(model.manifest["layers"])
    every = np.stack([values[name] for name in names["direct"]])  # [layer, direction, head, key]
    aligned = every.reshape(len(layers), len(layers), *record.attentions.shape[1:])[layers, layers]
    return direct.contribution_weights(record.attentions, aligned, record.attention_output)


def dependence(model: "Model", run: "Run", token: int, target: Target = None) -> NDArray[np.float64]:
    """Model.dependence."""
    check_run(run, model.manifest)
    variants = [{"cut": [key]} for key in range(run.predicting(token))]
    return _changes(model, run, token, target, variants, "last")


def head_means(model: "Model", run: "Run") -> NDArray[np.float32]:
    """Model.head_means."""
    check_run(run, model.manifest)
    return _heads(model, run.reading.trace.ids, {}, ablation.AttentionSums())


def outputs_of_heads(model: "Model", run: "Run") -> NDArray[np.float32]:
    """Model.head_outputs."""
    check_run(run, model.manifest)
    changes = run.reading.interventions
    found = _heads(model, run.reading.trace.ids, changes, head_outputs.HeadOutputs())
    return head_outputs.with_added(found, changes, model.manifest)


def _heads(
    model: "Model", ids: Sequence[int], changes: Mapping[str, Any],
    collected: ablation.AttentionSums | head_outputs.HeadOutputs,
) -> NDArray[np.float32]:
    """What is collected of the attention and the values of a text."""
    head_outputs.check(model.manifest)
    names = model.manifest["outputs"]["attentions"]
    cache: Past = []
    for outputs, past in model.session.chunks(ids, names, keep_past=True, interventions=changes):
        collected.add(np.concatenate([outputs[name] for name in names]))
        cache = past or []
    return collected.finish(np.concatenate(cache[1::2]))  # keys and values alternate


def head_sweep(
    model: "Model", run: "Run", token: int, target: Target, scope: str, mean: bool
) -> NDArray[np.float64]:
    """Model.head_sweep."""
    layers, heads = model.manifest["layers"], model.manifest["heads"]
    each = [[(layer, head)] for layer in range(layers) for head in range(heads)]
    return _off(model, run, token, target, scope, mean, each).reshape(layers, heads)


def heads_off(
    model: "Model", run: "Run", token: int, heads: Sequence[Sequence[int]], target: Target, scope: str, mean: bool
) -> float:
    """Model.heads_off."""
    model.shape.check_heads(heads)
    return float(_off(model, run, token, target, scope, mean, [heads])[0])


def _off(
    model: "Model", run: "Run", token: int, target: Target, scope: str, mean: bool,
    groups: Sequence[Sequence[Sequence[int]]],
) -> NDArray[np.float64]:
    """[group] the change of the target's log-probability with the heads of each group off, nats."""
    check_run(run, model.manifest)
    mean = flag("mean", mean)
    means, at = head_means(model, run) if mean else None, run.predicting(token) if scope == "last" else None
    return _changes(model, run, token, target, [ablation.variant(group, means, at) for group in groups], scope)


def context_curve(model: "Model", run: "Run", token: int, target: Target = None) -> Curve:
    """Model.context_curve."""
    check_run(run, model.manifest)
    stop, id = run.predicting(token) + 1, run.target(token, target)
    ids, first = run.reading.trace.ids, run.reading.trace.first
    lengths, logprobs = direct.curve_lengths(token), []
    for n in lengths:
        seen = [*range(first), *range(stop - n, stop)]
        changes = interventions.of_positions(run.interventions, seen)
        logprobs.append(_logprob(_last(model, [ids[p] for p in seen], changes), id))
    return Curve(np.array(lengths, np.int64), np.array(logprobs))


def past_before(model: "Model", run: "Run", position: int) -> Past | None:
    """The cache of all positions before one, under the run's interventions."""
    if position == 0:
        return None
    ids = run.reading.trace.ids[:position]
    *_, (_, past) = model.session.chunks(ids, [], keep_past=True, interventions=run.reading.interventions)
    return past


def _logprob(logits: NDArray[np.float32], id: int) -> float:
    return float(logprobs_of(logits[None], [id])[0, 0])


def _last(model: "Model", ids: Sequence[int], changes: Mapping[str, Any]) -> NDArray[np.float32]:
    """[vocabulary] the logits after ids."""
    name = model.manifest["outputs"]["logits"]
    *_, (outputs, _) = model.session.chunks(ids, [name], interventions=changes, last=True)
    return outputs[name][0, -1]


def _changes(
    model: "Model", run: "Run", token: int, target: Target, variants: Sequence[Mapping[str, Any]], scope: str
) -> NDArray[np.float64]:
    """[variant] the change of the target's log-probability, nats. scope: "last" or "text" (heads only)."""
    position, id = run.predicting(token), run.target(token, target)
    ids, changes = run.reading.trace.ids, run.reading.interventions
    if scope == "text":
        before = _logprob(_last(model, ids[: position + 1], changes), id)
        every = [interventions.varied(changes, each, position) for each in variants]
        after = [_logprob(_last(model, ids[: position + 1], each), id) for each in every]
        return np.array(after) - before
    if scope != "last":
        raise ValueError(f"scope is 'last' or 'text', not {said(scope)}.")
    logprobs = copied(model, run, np.array([position]), [{}, *variants], [id])[:, 0]
    return logprobs[1:] - logprobs[0]


def copied(
    model: "Model", run: "Run", positions: NDArray[np.int64], variants: Sequence[Mapping[str, Any]],
    targets: Sequence[int],
) -> NDArray[np.float64]:
    """[variant, target] log-probabilities after the last of some consecutive positions, read again after the cache of
    those before them, as one copy for each variant (interventions.copies)."""
    m, first, width = model.manifest, int(positions[0]), len(positions)
    name, ids = m["outputs"]["logits"], [run.reading.trace.ids[p] for p in positions.tolist()]
    past, logprobs = past_before(model, run, first), []
    size = interventions.copies_at_once(m, first, max(1, COPIES // width), width)
    for start in range(0, len(variants), size):
        group = variants[start : start + size]
        own: dict[str, NDArray] = {**interventions.copies(run.reading.interventions, m, positions, group)}
        own["logit_rows"] = np.arange(1, len(group) + 1) * width - 1
        rows, at = np.array([ids * len(group)], np.int64), positions.tolist() * len(group)
        logits = model.session.forward(rows, [name], past=past, at=at, changes=own)[name][0]
        logprobs.append(logprobs_of(logits, targets))
    return np.concatenate(logprobs)


def patch_sweep(
    model: "Model", run_a: "Run", run_b: "Run", target: Target, versus: Target, align: Align
) -> NDArray[np.float64]:
    """Model.patch_sweep."""
    if not interventions.is_wide(model.manifest):
        raise ValueError(f"{model.manifest['name']} was exported without residual_add. Build the model again.")
    a, b, ids = _comparable(stream(model, run_a), stream(model, run_b), run_b, target, versus, align)
    return patching.grid(a, b, ids, _patched(model, run_b, a, b, patching.places(a, b), ids))


def patch_head_sweep(
    model: "Model", run_a: "Run", run_b: "Run", target: Target, versus: Target, align: Align, token: int | None
) -> NDArray[np.float64]:
    """Model.patch_head_sweep."""
    head_outputs.check(model.manifest)
    a, b = (stream(model, run, outputs_of_heads(model, run)) if stream(model, run) else None for run in (run_a, run_b))
    a, b, ids = _comparable(a, b, run_b, target, versus, align)
    places = patching.head_places(a, b, token, model.manifest["heads"])
    return patching.head_grid(a, b, ids, _patched(model, run_b, a, b, places, ids), model.manifest["heads"])


def _comparable(
    a: patching.Stream | None, b: patching.Stream | None, run_b: "Run", target: Target, versus: Target, align: Align
) -> tuple[patching.Stream, patching.Stream, list[int]]:
    """A aligned with B, B, and the ids of the target and what it is compared with."""
    if a is not None and b is not None:
        a = patching.aligned(a, b, align)
    why_not = patching.why_not(a, b)
    if why_not or a is None or b is None:
        raise ValueError(why_not)
    chosen = (None if id is None else run_b.target(0, id) for id in (target, versus))
    return a, b, patching.targets(a, b, *chosen)


def _patched(
    model: "Model", run_b: "Run", a: patching.Stream, b: patching.Stream, places: Sequence[patching.Place],
    ids: Sequence[int],
) -> NDArray[np.float64]:
    """[place, target] log-probabilities after B with A copied in at each place; neighbours that begin at the same
    position are read together."""
    logprobs = [np.zeros((0, len(ids)))]
    for begin, group in groupby(places, lambda place: place.positions[0]):
        variants = [{"add": patching.copying(a, b, place)} for place in group]
        logprobs.append(copied(model, run_b, np.arange(begin, len(b.ids)), variants, ids))
    return np.concatenate(logprobs)


def steering_vector(
    model: "Model", runs_a: "Run | Sequence[Run]", runs_b: "Run | Sequence[Run]", layer: int, mean: bool
) -> NDArray[np.float32]:
    """Model.steering_vector."""
    def streams(runs: Any) -> list[patching.Stream | None]:
        return [stream(model, run) for run in (runs if isinstance(runs, list | tuple) else [runs])]

    return patching.mean_steering(streams(runs_a), streams(runs_b), layer, flag("mean", mean))


def stream(model: "Model", run: "Run", heads: NDArray[np.float32] | None = None) -> patching.Stream | None:
    """What patching needs of a run, or None if it is too long; heads: from `outputs_of_heads`."""
    check_run(run, model.manifest)
    if not run.reading.trace.has_hidden_states:
        raise ValueError(f"The residual stream of “{run.text:.40}” was not kept: read the text with keep=('resid',).")
    return patching.stream(run.reading, model.manifest["sha256"], heads)
