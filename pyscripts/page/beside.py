"""What was computed beside a run: one position to attribute, what was left out to see what it changes, and the text as
the unchanged model reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts import interventions, patching
from pyscripts.metrics import lens
from pyscripts.metrics.ablation import AttentionSums
from pyscripts.metrics.attribution import Recorded
from pyscripts.metrics.head_outputs import HeadOutputs
from pyscripts.metrics.likelihood import logprobs_of
from pyscripts.model_outputs import ModelShape

HELD = 6  # positions
KINDS = 6  # of variants at each
VariantsKey = tuple[str, int, tuple[int, ...]]  # kind, position, targets
OF_A, OF_B, MEANS = "a", "b", "means"  # what is read of heads: each output in the pinned text, in this one; their means
LISTS = ("attention_output", "mlp_output", "attentions", "direct", "aligned")


@dataclass(frozen=True)
class Attributed:
    """One position with its targets, and what heads add along their own layer's output."""

    targets: tuple[int, ...]
    recorded: Recorded
    aligned: NDArray[np.float32]  # [layer, head, key]


@dataclass
class Variants:
    """The log-probabilities of targets [variant, target] under variants of one position; NaN: not computed yet."""

    planned: list[dict[str, Any]]
    logprobs: NDArray[np.float64]

    @property
    def done(self) -> int:
        """How many have been computed; they are computed in order."""
        return int((~np.isnan(self.logprobs[:, 0])).sum())


@dataclass
class Lists:
    """What enters a layer in each text of two lists, A and B: at the last token or, with `mean`, the mean over all."""

    layer: int
    mean: bool
    texts: tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]] = field(default_factory=lambda: ([], []))

    def add(self, side: int, states: NDArray[np.float32]) -> None:
        """Takes the next text's states [token, hidden]."""
        self.texts[side].append(patching.at_texts_end(states, self.mean))


@dataclass
class Beside:
    """Belongs to one run; the newest positions are held."""

    attributed: list[Attributed] = field(default_factory=list)  # the newest first
    variants: dict[VariantsKey, Variants] = field(default_factory=dict)  # the newest last
    untouched: list[float] = field(default_factory=list)  # [row] logprob of the next token, by the unchanged model
    lists: Lists | None = None
    lens: list[NDArray[np.float64]] = field(default_factory=list)  # [token] [metrics.lens.OVER_TEXT, layer+1]
    heads: dict[str, NDArray[np.float32]] = field(default_factory=dict)  # OF_A, OF_B: see metrics/head_outputs.py;
    # MEANS: [layer, head, head_size], of the unchanged model, see metrics/ablation.py
    arriving: AttentionSums | HeadOutputs | None = None  # what they are computed from

    def attributed_at(self, position: int, targets: Sequence[int]) -> Attributed | None:
        """What was recorded for this position and these targets."""
        key = position, tuple(targets)
        return next((one for one in self.attributed if (one.recorded.position, one.targets) == key), None)

    def keep(self, one: Attributed) -> None:
        """Holds one more position."""
        self.attributed = [one, *self.attributed][:HELD]

    def begin(self, key: VariantsKey, planned: list[dict[str, Any]]) -> Variants:
        """Makes room for variants; of many kinds and positions, the oldest is dropped."""
        self.variants[key] = Variants(planned, np.full((len(planned), len(key[2])), np.nan))
        for old in list(self.variants)[:-HELD * KINDS]:
            del self.variants[old]
        return self.variants[key]

    def forget_a(self, kind: str) -> None:
        """Drops what belongs to the pinned reading, too: variants of kinds that begin with `kind`, and its heads."""
        self.variants = {key: each for key, each in self.variants.items() if key[0].partition(":")[0] != kind}
        self.heads.pop(OF_A, None)

    def take(self, request: Mapping[str, Any], logits: NDArray[np.float32]) -> None:
        """Takes logits [variant, vocabulary] of the variants from request["first"] on, unless they were
        dropped."""
        variants = self.variants.get((request["kind"], request["position"], tuple(request["targets"])))
        if variants is None:
            return
        first = request["first"]
        variants.logprobs[first : first + len(logits)] = logprobs_of(logits, request["targets"])

    def read_lens(
        self, first: int, lens_logits: NDArray[np.float32], final: NDArray[np.float32], targets: Sequence[int]
    ) -> None:
        """Takes the logit lens [layer, row, vocabulary] and the logits [row, vocabulary] of the tokens from `first` on;
        targets: [row] what followed. Those that were taken before stay."""
        found = lens.over_text(lens_logits, final, targets)
        self.lens[first:] = list(np.moveaxis(found, 2, 0))

    def add_attention(self, of: str, chunk: NDArray[np.float32], first: int) -> None:
        """Takes attention [layer, head, query, key] of the queries from `first` on, for OF_A, OF_B or MEANS."""
        if first == 0 or self.arriving is None:
            self.arriving = AttentionSums() if of == MEANS else HeadOutputs()
        self.arriving.add(chunk)

    def take_values(self, of: str, values: NDArray[np.float32]) -> None:
        """Takes the values [layer, kv_head, key, head_size] of all positions, after their attention."""
        if self.arriving is not None:
            self.heads[of], self.arriving = self.arriving.finish(values), None

    def read_untouched(self, logits: NDArray[np.float32], ids: Sequence[int]) -> None:
        """Takes the unchanged model's next logits [row, vocabulary]; ids: of the whole text, prefix included."""
        first = len(self.untouched)
        following = list(ids[first + 1 : first + 1 + len(logits)])
        for row, id in zip(logits, following, strict=False):
            self.untouched.append(float(logprobs_of(row[None], [id])[0, 0]))


def attributed(
    request: Mapping[str, Any], arrays: Mapping[str, NDArray[np.float32]], shape: ModelShape,
    manifest: Mapping[str, Any], changes: Mapping[str, Any],
) -> Attributed:
    """From the graph's outputs, each flat. request: {position, targets}; arrays by the names of Recorded and `aligned`,
    which has every layer's heads along the output of every layer's attention."""
    layers, heads, keys, targets = shape.layers, shape.heads, request["position"] + 1, request["targets"]
    position = request["position"]
    added = interventions.inputs(changes, manifest, np.array([position]), keys).get("residual_add")
    every = arrays["aligned"].reshape(layers, layers, heads, keys)  # [layer, direction, head, key]
    return Attributed(tuple(targets), Recorded(
        position=position,
        embedding=arrays["embedding"],
        attention_output=arrays["attention_output"].reshape(layers, -1),
        mlp_output=arrays["mlp_output"].reshape(layers, -1),
        attentions=arrays["attentions"].reshape(layers, heads, keys),
        direct=arrays["direct"].reshape(layers, len(targets), heads, keys),
        rows=arrays["rows"].reshape(len(targets), -1),
        constants=arrays["constants"],
        logits=arrays["logits"][targets],
        added=None if added is None else added[:, 0],
    ), every[np.arange(layers), np.arange(layers)])
