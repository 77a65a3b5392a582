"""How likely the model found each token: one pass over the logits."""

from collections.abc import Collection
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

NO_TARGET = -1  # a row whose next token is unknown (the row of the last token)
ROWS = 8  # rows processed together: 8 x 50,257 float32 values are 1.6 MB, about the size of a CPU cache
GROUPS = 64  # top_k: how many columns form a group when a lower bound for the k-th largest value is sought


@dataclass(frozen=True)
class TokenStatistics:
    """Numbers of each token over the whole vocabulary; where the target is NO_TARGET: NaN, and rank 0."""

    logprob: NDArray[np.float64]  # [token] nats, <= 0, -inf if its probability is 0
    rank: NDArray[np.int32]  # [token] 1 = most likely; ties go to the lower id
    entropy: NDArray[np.float64]  # [token] nats, 0 ... ln(vocabulary), of the distribution before the token
    mass_above: NDArray[np.float64]  # [token] 0 ... 1, total probability of all tokens ranked above it
    top_ids: NDArray[np.int32]  # [token, k] most likely first
    top_logprobs: NDArray[np.float64]  # [token, k] nats
    new_word_logprob: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))  # [token] nats, of all tokens
    # together that begin a word (word_metrics.py), in the distribution before the token; NaN if they are not known

    @property
    def probability(self) -> NDArray[np.float64]:
        """[token] 0 ... 1."""
        return np.asarray(np.exp(self.logprob))

    @property
    def surprisal(self) -> NDArray[np.float64]:
        """[token] nats, -ln p (Shannon 1948)."""
        return np.asarray(0.0 - self.logprob)

    @property
    def surprise_excess(self) -> NDArray[np.float64]:
        """[token] nats, surprisal minus entropy: above 0 the model was more surprised than expected."""
        return surprise_excess(self.logprob, self.entropy)

    def best(self, token: int) -> tuple[int, float] | None:
        """The most likely token's id and its log-probability (nats); None if it is not known."""
        if not self.top_ids.shape[1] or np.isnan(self.top_logprobs[token, 0]):
            return None
        return int(self.top_ids[token, 0]), float(self.top_logprobs[token, 0])

    def by_token(self, *, prefix: bool) -> "TokenStatistics":
        """These rows, one for each position and about the token after it, as those of the shown tokens, in order.

        The last row is dropped, since nothing follows it. prefix: whether position 0 is a prefix token; if not, the
        first token has no statistics: NaN, ids and rank 0.
        """
        columns = {}
        for name, rows in vars(self).items():
            column = rows[:-1]
            if not prefix:
                null = 0 if np.issubdtype(rows.dtype, np.integer) else np.nan
                column = np.concatenate([np.full((1, *rows.shape[1:]), null, rows.dtype), column])
            column.setflags(write=False)  # users' code gets them, in runs and metrics
            columns[name] = column
        return TokenStatistics(**columns)

    def since(self, first: int, stop: int | None = None) -> "TokenStatistics":
        """The statistics of token `first` and all later ones, before `stop`."""
        return TokenStatistics(*(getattr(self, field.name)[first:stop] for field in fields(self)))


def token_statistics(
    logits: ArrayLike, targets: ArrayLike, top_k: int = 10, *, only: Collection[str] | None = None,
    begins_word: NDArray[np.bool_] | None = None,
) -> TokenStatistics:
    """Log-probability, rank, entropy, mass above and top-k of every token, in one pass over blocks of rows.

    logits: [token, vocabulary] float16, float32 or float64; row t is the distribution token t was drawn from.
        -inf is allowed (probability 0); NaN, +inf and a row of only -inf raise ValueError.
    targets: [token] ids, NO_TARGET (-1) if unknown. top_k: 0 or more, capped at the vocabulary size.
    only: the fields to compute, logprob always among them (None: all); the others stay NaN or 0.
    begins_word: [vocabulary] which tokens begin a word, for new_word_logprob.
    Besides the results it needs memory for 2 x ROWS rows. Float32 logits stay float32.
    """
    logits, targets = _checked(np.asarray(logits), np.asarray(targets), top_k)
    tokens, vocabulary = logits.shape

    def computes(name: str) -> bool:
        return only is None or name in only

    top_k = min(top_k, vocabulary) if computes("top_ids") or computes("top_logprobs") else 0
    starts = None if begins_word is None or not computes("new_word_logprob") else begins_word.astype(np.float32)
    result = TokenStatistics(
        logprob=np.full(tokens, np.nan),
        rank=np.zeros(tokens, np.int32),
        entropy=np.full(tokens, np.nan),
        mass_above=np.full(tokens, np.nan),
        top_ids=np.zeros((tokens, top_k), np.int32),
        top_logprobs=np.zeros((tokens, top_k)),
        new_word_logprob=np.full(tokens, np.nan),
    )
    dtype = np.result_type(logits.dtype, np.float32)
    shifted = np.empty((min(ROWS, tokens), vocabulary), dtype)  # [row, vocabulary]
    weights = np.empty_like(shifted)  # [row, vocabulary]
    nothing = dtype.type(0)
    for start in range(0, tokens, ROWS):
        block = logits[start : start + ROWS]
        folded = _fold(block)  # [row, group]
        highest = folded.max(axis=1).astype(dtype)  # [row]
        if not np.isfinite(highest).all():
            row = start + int(np.flatnonzero(~np.isfinite(highest))[0])
            raise ValueError(f"the logits of token {row} contain NaN, +inf or only -inf: the output is unusable.")
        x, p = shifted[: len(block)], weights[: len(block)]
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            for row, most, lower in zip(block, highest, x, strict=True):  # broadcasting is slow in wasm
                np.subtract(row, most, out=lower)
            np.exp(x, out=p)
            total = p.sum(axis=1).astype(np.float64)  # [row]
        log_total = np.log(total)
        if computes("entropy"):
            result.entropy[start : start + ROWS] = _entropies(x, p, total, log_total)
        if starts is not None:
            with np.errstate(divide="ignore"):
                share = np.log((p @ starts).astype(np.float64)) - log_total
            result.new_word_logprob[start : start + ROWS] = np.minimum(share, 0)
        for i, row in enumerate(block):
            t, target = start + i, int(targets[start + i])
            shift = float(highest[i]) + log_total[i]
            if top_k:
                ids = _top(row, folded[i], top_k)
                result.top_ids[t] = ids
                result.top_logprobs[t] = np.minimum(row[ids].astype(np.float64) - shift, 0)
            if target != NO_TARGET:
                result.logprob[t] = min(float(row[target]) - shift, 0.0)
                if not (computes("rank") or computes("mass_above")):
                    continue
                place = np.flatnonzero(result.top_ids[t] == target)  # most are among the top: four passes less
                if place.size:
                    result.rank[t] = place[0] + 1
                    above = p[i, result.top_ids[t, : place[0]]]
                else:
                    ahead = _ranked_before(row, target)  # [vocabulary] bool
                    result.rank[t] = np.count_nonzero(ahead) + 1
                    above = np.where(ahead, p[i], nothing)  # [vocabulary]; boolean indexing takes four times as long
                if computes("mass_above"):
                    result.mass_above[t] = min(float(above.sum()) / total[i], 1.0)
    return result


def _entropies(
    x: NDArray, p: NDArray, total: NDArray[np.float64], log_total: NDArray[np.float64]
) -> NDArray[np.float64]:
    """[row] of logits x minus their maximum and p = exp(x), both [row, vocabulary]; x is overwritten."""
    with np.errstate(under="ignore", invalid="ignore"):
        np.multiply(x, p, out=x)
        weighted = x.sum(axis=1).astype(np.float64)  # [row] sum of p * ln p, before normalising
    for i in np.flatnonzero(np.isnan(weighted)).tolist():  # -inf * 0, which the entropy counts as 0
        weighted[i] = np.nansum(x[i])
    return np.maximum(log_total - weighted / total, 0)


def entropy(probabilities: ArrayLike) -> float:
    """Of one distribution [vocabulary], nats; 0 ln 0 counts as 0."""
    p = np.asarray(probabilities, np.float64)
    positive = p[np.flatnonzero(p > 0)]  # in WebAssembly three times as fast as the mask itself
    return float(max(0.0, -(positive * np.log(positive)).sum()))


def surprisal_bits(logprob: ArrayLike) -> NDArray[np.float64]:
    """Nats of log-probability to bits of surprisal, any shape: -logprob / ln 2."""
    return -np.asarray(logprob, np.float64) / np.log(2) + 0.0  # + 0.0 turns -0.0 into 0.0


def surprise_excess(logprob: ArrayLike, entropy: ArrayLike) -> NDArray[np.float64]:
    """-logprob - entropy, nats, any shape; its expectation under the model is 0."""
    return -np.asarray(logprob, np.float64) - np.asarray(entropy, np.float64)


def log_softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """[..., vocabulary] logits to float64 log-probabilities; meant for a few rows. Errors as in `token_statistics`."""
    x = _shifted(logits)
    x -= np.log(np.exp(x).sum(axis=-1, keepdims=True))
    return x


def logprobs_of(logits: NDArray[np.float32], ids: ArrayLike) -> NDArray[np.float64]:
    """[row, id] log-probabilities of a few ids, nats; logits: [row, vocabulary]. Less work than log_softmax."""
    most = logits.max(axis=1, keepdims=True)
    total = np.log(np.exp(logits - most).sum(axis=1, dtype=np.float64))
    chosen = logits[:, np.asarray(ids, np.int64)].astype(np.float64)
    return np.asarray(chosen - most.astype(np.float64) - total[:, None])


def softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """[..., vocabulary] logits to float64 probabilities; meant for a few rows. Errors as in `token_statistics`."""
    x = _shifted(logits)
    np.exp(x, out=x)
    x /= x.sum(axis=-1, keepdims=True)
    return x


def top_k(values: ArrayLike, k: int) -> NDArray[np.int32]:
    """Ids of the k largest of values [vocabulary], largest first, ties by lower id; [min(k, vocabulary)]."""
    row = np.asarray(values)
    if row.ndim != 1 or k < 0 or np.isnan(row).any():
        raise ValueError(f"top_k needs one row without NaN and k >= 0, not shape {row.shape} and k = {k}.")
    if not row.size or not k:
        return np.zeros(0, np.int32)
    return _top(row, _fold(row[None])[0], min(k, row.size))


def _shifted(logits: ArrayLike) -> NDArray[np.float64]:
    """A float64 copy of [..., vocabulary] with the largest of each row at 0."""
    x = np.array(logits, np.float64)
    x -= check_usable(x)
    return x


def check_usable(logits: NDArray) -> NDArray:
    """The largest of each row of logits [..., vocabulary] as [..., 1]; ValueError: nothing can be made of them."""
    if logits.ndim == 0 or logits.shape[-1] == 0:
        raise ValueError(f"logits of shape {logits.shape} have no vocabulary axis to normalise over.")
    highest = logits.max(axis=-1, keepdims=True)
    if not np.isfinite(highest).all():
        raise ValueError("the logits contain NaN, +inf or only -inf: the model's output is unusable.")
    return highest


def _fold(block: NDArray) -> NDArray:
    """[row, vocabulary] to [row, group]: the maximum of each group of GROUPS columns; leftover columns stay single.

    The columns of a group are far apart, so the maximum is taken over whole vectors. The k-th largest group maximum
    is a lower bound for the k-th largest value, and few values lie above it.
    """
    width = block.shape[1] // GROUPS
    if width < GROUPS:
        return block
    maxima = block[:, : width * GROUPS].reshape(len(block), GROUPS, width).max(axis=1)
    return np.concatenate([maxima, block[:, width * GROUPS :]], axis=1)


def _top(row: NDArray, folded: NDArray, k: int) -> NDArray[np.int32]:
    """The k largest of one row, given its group maxima; candidates are in id order and the sort is stable."""
    if k < folded.size:
        candidates = np.flatnonzero(row >= np.partition(folded, folded.size - k)[folded.size - k])
    else:
        candidates = np.arange(row.size)
    order = np.argsort(-row[candidates], kind="stable")[:k]
    return candidates[order].astype(np.int32)


def _ranked_before(row: NDArray, target: int) -> NDArray[np.bool_]:
    """[vocabulary] which tokens rank above the target: larger, or equal with a lower id."""
    ahead: NDArray[np.bool_] = row > row[target]
    np.greater_equal(row[:target], row[target], out=ahead[:target])
    return ahead


def _checked(logits: NDArray, targets: NDArray, top_k: int) -> tuple[NDArray, NDArray]:
    if logits.ndim != 2 or logits.shape[1] == 0:
        raise ValueError(f"logits must be [token, vocabulary] with at least one entry, not {logits.shape}.")
    if not np.issubdtype(logits.dtype, np.floating):
        raise ValueError(f"logits must be floating point, not {logits.dtype}.")
    if targets.shape != logits.shape[:1]:
        raise ValueError(f"{logits.shape[0]} rows of logits need {logits.shape[0]} targets, not shape {targets.shape}.")
    if targets.size and (targets.min() < NO_TARGET or targets.max() >= logits.shape[1]):
        raise ValueError(f"targets must be ids below {logits.shape[1]}, or {NO_TARGET} for none.")
    if top_k < 0:
        raise ValueError(f"top_k must be 0 or more, not {top_k}.")
    return logits, targets
