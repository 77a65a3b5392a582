# Activation patching: how the prediction after the text changes if the
# residual stream of another text, A, is copied into it at a layer and position

other = "The cat sat on the mat."  # A, which is read again
target = None  # a token id; None: the likeliest after A
versus = None  # a token id: the difference of the two log-probabilities
align = None  # of texts of different lengths: "start", "end" or "both"

from pyscripts import patching
from pyscripts.metrics.likelihood import logprobs_of

sha256 = model.manifest["sha256"]
b = patching.stream(run.reading, sha256)
a = patching.stream((await model.read(other)).reading, sha256)
a = patching.aligned(a, b, align)
if reason := patching.why_not(a, b):
    raise ValueError(reason)
ids, logprobs = patching.targets(a, b, target, versus), []
for layer, position in patching.places(a, b):
    vector = patching.difference(a, b, position)[layer]
    copied = {"layer": layer, "position": position, "vector": vector}
    changes = dict(run.interventions)
    changes["add"] = [*changes.get("add", []), copied]
    how = run.conditions | {"interventions": changes}
    patched = await model.read(run.ids, keep=(), **how)
    logprobs.append(logprobs_of(patched.last_logits[None], ids)[0])
grid = patching.grid(a, b, ids, np.array(logprobs))  # [layer + 1, position]
run.of_tokens(grid, axis=1)  # nats; the last row: the final norm
