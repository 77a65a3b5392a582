# Activation patching: how the prediction after the text changes if the
# residual stream of another text, A, is copied into it at a layer and position,
# or one head's output

other = "The cat sat on the mat."  # A, which is read again
heads = False  # True: one head's output instead of the residual stream
token = None  # where a head's output is copied; None: at every token
target = None  # a token id; None: the likeliest after A
versus = None  # a token id: the difference of the two log-probabilities
align = None  # "start", "end", "both" or pairs [token of A, token of this text]

from pyscripts import patching
from pyscripts.metrics.likelihood import logprobs_of

async def stream(run):
    outputs = await model.head_outputs(run) if heads else None
    return patching.stream(run.reading, model.manifest["sha256"], outputs)

a, b = await stream(await model.read(other)), await stream(run)
a = patching.aligned(a, b, align)
if reason := patching.why_not(a, b):
    raise ValueError(reason)
count, every = model.manifest["heads"], patching.places(a, b)
places = patching.head_places(a, b, token, count) if heads else every
ids, logprobs = patching.targets(a, b, target, versus), []
for place in places:
    changes = dict(run.interventions)
    copied = patching.copying(a, b, place)
    changes["add"] = [*changes.get("add", []), *copied]
    how = run.conditions | {"interventions": changes}
    patched = await model.read(run.ids, keep=(), **how)
    logprobs.append(logprobs_of(patched.last_logits[None], ids)[0])
logprobs = np.array(logprobs).reshape(-1, len(ids))  # [place, target]
if heads:  # [layer, head]
    grid = patching.head_grid(a, b, ids, logprobs, count)
else:  # [layer + 1, token], the last row: the final norm
    grid = run.of_tokens(patching.grid(a, b, ids, logprobs), axis=1)
grid  # nats
