"""Choose the prefix token, which precedes a text so that its first token has a probability. Offline, PyTorch.

Configurations do not say which token starts a document: SmolLM2's names a chat marker, others inherit an id from their
class. So every candidate is put before the paragraphs of `texts/`, each read as a document of its own, and the one
after which PyTorch finds them least surprising is taken.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from export.architectures.families import Refusal
from export.graph.capture import context_length

TEXTS = Path(__file__).resolve().parents[1] / "texts"
LONGEST = 64  # tokens read of each document: the prefix matters most at its beginning
BATCH = 4  # documents per pass, whose logits are all in memory
BOUNDARY = re.compile(r"<\|?/?(s|bos|eos|(begin|start|end)_?of_?(text|document|sentence))\|?>", re.IGNORECASE)


def candidates(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Ids of the special tokens that may start a document: what the tokenizer itself puts in front of a text, its and
    the configuration's BOS and EOS, and specials named like a boundary.

    An id that only a configuration names counts where the tokenizer has it as a special token: class defaults name ids
    that mean something else in another vocabulary, or lie outside it.
    """
    plain, dressed = (tokenizer("a", add_special_tokens=added)["input_ids"] for added in (False, True))
    added = {id: str(token) for id, token in tokenizer.added_tokens_decoder.items() if token.special}
    config = model.config
    named = [config.bos_token_id, config.eos_token_id]
    first = dressed[0] if dressed[1 : 1 + len(plain)] == plain else None
    found = [
        first,
        tokenizer.bos_token_id,
        tokenizer.eos_token_id,
        *(id for each in named for id in (each if isinstance(each, list) else [each]) if id in added),
        *(id for id, text in sorted(added.items()) if BOUNDARY.fullmatch(text)),
    ]
    return [id for id in dict.fromkeys(found) if id is not None and 0 <= id < config.vocab_size]


def documents(tokenizer: PreTrainedTokenizerBase, longest: int) -> list[list[int]]:
    """The paragraphs of `texts/` as token ids, each at most `longest` and at least two."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(TEXTS.glob("*.txt"))]
    paragraphs = [part for text in texts for part in re.split(r"\n\s*\n", text.strip())]
    ids = (tokenizer(part, add_special_tokens=False)["input_ids"][:longest] for part in paragraphs)
    return [each for each in ids if len(each) > 1]


@torch.no_grad()
def surprisal(model: PreTrainedModel, texts: list[list[int]], prefix: int | None) -> list[np.ndarray]:
    """Nats of every token of each document that has something before it: [token], or [token - 1] without a prefix."""
    found: dict[int, np.ndarray] = {}
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # little padding
    for start in range(0, len(order), BATCH):
        places = order[start : start + BATCH]
        batch = [torch.tensor(([] if prefix is None else [prefix]) + texts[i]) for i in places]
        padded = torch.nn.utils.rnn.pad_sequence(batch, batch_first=True)  # on the right, where no token attends
        logits = model(padded, use_cache=False).logits.float()
        cost = torch.logsumexp(logits, -1)[:, :-1] - logits[:, :-1].gather(2, padded[:, 1:, None])[..., 0]
        found |= {i: row[: len(ids) - 1].double().numpy() for i, row, ids in zip(places, cost, batch, strict=True)}
    return [found[i] for i in range(len(texts))]


def choose(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, fixed: str | None = None
) -> dict[str, Any] | None:
    """The manifest's `prefix`: {id, text, reason, measured}, or None if texts are best read without one.

    `measured` has every candidate's mean surprisal in nats a token, of the tokens that all candidates score (from each
    document's second on), and that of the documents' first tokens; the candidate without text and id is no prefix.
    fixed: the catalogue's choice; the others are measured all the same.

    Raises:
        Refusal: the fixed token is none of this tokenizer.
    """
    ids = candidates(model, tokenizer)
    if fixed is not None:
        chosen = tokenizer.convert_tokens_to_ids(fixed)
        if not isinstance(chosen, int) or tokenizer.convert_ids_to_tokens(chosen) != fixed:
            raise Refusal(f"the catalogue sets the prefix token {fixed!r}, which this tokenizer does not have")
        ids = list(dict.fromkeys([chosen, *ids]))
    texts = documents(tokenizer, min(LONGEST, context_length(model.config) - 1))
    without = surprisal(model, texts, None)
    costs = {id: surprisal(model, texts, id) for id in ids}
    means = {id: float(np.concatenate([cost[1:] for cost in each]).mean()) for id, each in costs.items()}
    mean_without = float(np.concatenate(without).mean())
    measured = [
        {
            "text": tokenizer.convert_ids_to_tokens(id),
            "id": id,
            "mean_surprisal": means[id],
            "first_token": float(np.mean([cost[0] for cost in costs[id]])),
        }
        for id in ids
    ]
    measured.append({"text": None, "id": None, "mean_surprisal": mean_without, "first_token": None})
    if not ids:
        return None
    if fixed is not None:
        best, reason = chosen, "fixed in the catalogue of models"
    else:
        best = min(ids, key=means.__getitem__)
        if clearly_less(without, [cost[1:] for cost in costs[best]]):
            return None
        others = f"of {len(ids)} tokens" if len(ids) > 1 else "of one token"
        reason = f"lowest mean surprisal {others} before {len(texts)} documents"
        if mean_without < means[best]:
            reason += "; without a prefix it is lower, but within the noise"
    return {"id": best, "text": tokenizer.convert_ids_to_tokens(best), "reason": reason, "measured": measured}


def clearly_less(without: list[np.ndarray], after: list[np.ndarray]) -> bool:
    """Whether no prefix is better by more than two standard errors of the difference between documents.

    It costs the first token its probability, so a difference within the noise does not count.
    """
    difference = np.array([b.mean() - a.mean() for a, b in zip(without, after, strict=True)])
    return bool(difference.mean() > 2 * difference.std(ddof=1) / np.sqrt(len(difference)))


def rows(found: dict[str, Any] | None) -> list[tuple[str, str]]:
    """The choice as lines of the final table."""
    if found is None:
        return [("prefix token", "none: the first token has no probability")]
    lines = [("prefix token", f"{found['text']} ({found['reason']})")]
    return lines + [
        (f"  mean surprisal after {each['text'] or 'nothing'}", f"{each['mean_surprisal']:.4f} nats per token")
        for each in found["measured"]
    ]
