"""How a token was chosen: probabilities before and after the filters, Transformer Lab's definitions, and speed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts import wording
from pyscripts.decoding import generation
from pyscripts.decoding.generation import Candidates, GenerationStep
from pyscripts.decoding.sampling import distribution
from pyscripts.json_numbers import number
from pyscripts.metrics import transformerlab
from pyscripts.metrics.likelihood import token_statistics
from pyscripts.page.views import activation_tables
from pyscripts.page.views.context import Context
from pyscripts.page.views.registry import view
from pyscripts.trace import TOP_K


@view("choice", activation_tables.choice, of_likelihoods=True)
def choice(context: Context, token: int, count: int = 10, options: dict[str, Any] | None = None) -> dict[str, Any]:
    """How a shown token was chosen: `rows` of the most likely tokens with `raw` and `sampled` probability (0 ... 1).

    rows hold the `count` most likely of both distributions and the chosen token, by raw probability; None if a
    probability is unknown (outside the top 50). `sampled` is None in every row if no sampling is known: for a token of
    the prompt, until the position before it has been inspected; then it follows from `options`.
    {"token", "known": False} for a first token without a prefix.
    """
    position, trace = context.position_of(token), context.reading.trace
    statistics = trace.statistics()
    id = trace.ids[position]
    result: dict[str, Any] = {"token": token, "id": id, "text": context.vocabulary[id]}
    if np.isnan(statistics.entropy[token]):
        return {**result, "known": False}
    step = context.reading.steps.get(position)
    generated = step is not None or token >= _given(context)
    before = context.inspected
    if step is None and before is not None and before.position == position - 1:
        step = _under(context, before.logits, position, context.reading.options if generated else options or {})
    known = ~np.isnan(statistics.top_logprobs[token])
    raw = Candidates(statistics.top_ids[token][known], np.exp(statistics.top_logprobs[token][known]))
    entropy, probability = float(statistics.entropy[token]), float(statistics.probability[token])
    rank = int(statistics.rank[token])
    return {
        **result,
        "known": True,
        "generated": generated,
        "probability": probability,
        "logprob": number(statistics.logprob[token]),
        "rank": rank,
        "entropy": entropy,
        "choices": wording.choices(entropy),
        "words": wording.expectation(entropy, float(raw.probabilities[0]) if raw.ids.size else None, rank, probability),
        "rows": _rows(context.vocabulary, raw, id, probability, rank, step, count),
        "sampled_probability": step.sampled_probability if step else None,
        "sampled_entropy": step.sampled_entropy if step else None,
        "filters": step.filters if step else None,
    }


def _given(context: Context) -> int:
    """The number of shown tokens that were not generated in this run."""
    length = context.reading.prompt_length
    return len(context.reading.trace.ids) if length is None else length


def _under(
    context: Context, logits: NDArray[np.float32], position: int, options: Mapping[str, Any]
) -> GenerationStep:
    """The generation step that would have chosen the token at a position from logits [vocabulary], under `options`."""
    trace = context.reading.trace
    given = min(_given(context) + trace.first, position)
    prompt, generated = trace.ids[:given], trace.ids[given:position]
    drawn_from = distribution(logits, generation.settings_from(options), prompt, generated)
    row = token_statistics(logits[None], [trace.ids[position]], TOP_K)
    return generation.describe(drawn_from, trace.ids[position], row)


def _rows(
    vocabulary: Sequence[str], raw: Candidates, id: int, probability: float, rank: int, step: GenerationStep | None,
    count: int,
) -> list[dict[str, Any]]:
    before = {**_known(raw), id: probability}
    ranks = {**{int(each): place + 1 for place, each in enumerate(raw.ids)}, id: rank}
    after = {**_known(step.sampled), id: step.sampled_probability} if step else {}
    impossible = 0.0 if step and len(step.sampled.ids) < TOP_K else None  # every token that can be drawn is in the list
    shown = [*raw.ids[:count].tolist(), *(step.sampled.ids[:count].tolist() if step else ()), id]
    ordered = sorted(set(shown), key=lambda each: (-before.get(each, 0.0), ranks.get(each, len(vocabulary)), each))
    return [
        {
            "id": each,
            "text": vocabulary[each],
            "raw": before.get(each),
            "rank": ranks.get(each),
            "sampled": after.get(each, impossible),
            "chosen": each == id,
        }
        for each in ordered
    ]


def _known(candidates: Candidates) -> dict[int, float]:
    return dict(zip(candidates.ids.tolist(), candidates.probabilities.tolist(), strict=True))


@view("transformer_lab", activation_tables.transformer_lab)
def transformer_lab(context: Context, token: int, temperature: float = 0.7, topP: float = 1.0) -> dict[str, Any]:
    """What Transformer Lab shows for the step that chose a shown token (see pyscripts/metrics/transformerlab.py).

    Needs the position before the token to be inspected, for its logits; ValueError otherwise. `exact` is False if the
    text was too long to keep attention rows: the entropies then lack the 1e-9 shift, a difference of at most 1e-9 per
    visible token.
    """
    position, trace = context.position_of(token) - 1, context.reading.trace
    inspected = context.inspected
    if inspected is None or inspected.position != position:
        raise ValueError(f"The position before token {token} has not been inspected for this view.")
    predictions = transformerlab.top_predictions(inspected.logits, temperature, topP)
    states = inspected.hidden_states  # [layer+1, hidden]
    if states is None:
        states = trace.kept_hidden_states.at(position)
    if states is None:
        raise ValueError("The hidden states of this position are not kept.")
    rows = trace.kept_attention.row(position)  # [layer, head, key]
    if rows is not None:
        entropy = transformerlab.attention_entropy(list(rows[:, :, None]))
    else:
        entropy = trace.attention_entropy_at(position).mean(axis=1)
    return {
        "token": token,
        "predictions": [
            {"id": id, "text": context.vocabulary[id], "probability": p, "logit": number(logit)}
            for id, p, logit in zip(
                predictions.ids.tolist(), predictions.probability.tolist(), predictions.logit.tolist(), strict=True)
        ],
        "activations": transformerlab.activations(list(states[:, None])).tolist(),
        "attention_entropy": entropy.tolist(),
        "exact": rows is not None,
    }


@view("speed", of_likelihoods=True)
def speed(context: Context, times: list[float]) -> dict[str, Any]:
    """Generation speed in tokens per second, from the times (ms since the start) at which tokens arrived.

    Time to the first token (reading the prompt) is separate: the rate is that of the later tokens.
    """
    count = len(times)
    rate = 1000 * (count - 1) / (times[-1] - times[0]) if count > 1 and times[-1] > times[0] else None
    first = times[0] / 1000 if count else None
    words = [f"{wording.count_of(count, 'token')} generated"]
    words += [f"{rate:.1f} tokens/s"] if rate else []
    words += [f"first after {first:.2f} s"] if first is not None else []
    return {"tokens": count, "tokens_per_second": rate, "first_seconds": first, "words": " · ".join(words)}
