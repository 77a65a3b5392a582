# Do quick answers, at one position, agree with slow ones for the whole text?

token = 0  # its index in the text
target = None  # a token's id or text; None: the token itself

from itertools import pairwise
from pyscripts.metrics.attribution import rank_correlation

first, target = run.position(0), run.target(token, target)
hidden = await model.dependence(run, token, target)  # [position] nats
edges = np.linspace(0, token, min(12, token) + 1).round().astype(int)
edges = np.unique(edges)
spans = [(a, b) for a, b in pairwise(edges.tolist()) if first or b - a < token]

heads = {"heads": run.interventions.get("heads", [])}  # others have positions
how = run.conditions | {"interventions": heads}

async def logprob(ids):
    return (await model.read([*ids, target], keep=(), **how)).logprob[-1]

ids = run.ids[:token].tolist()
whole = await logprob(ids)
slow = [await logprob(ids[:a] + ids[b:]) - whole for a, b in spans]
quick = [hidden[a + first : b + first].sum() for a, b in spans]

at_position = (await model.head_sweep(run, token, target)).ravel()  # [head]
top = np.argsort(-abs(at_position), kind="stable")[:10]
everywhere = (await model.head_sweep(run, token, target, scope="text")).ravel()
{"spans agree": rank_correlation(np.array(quick), np.array(slow)),
 "heads agree": rank_correlation(at_position[top], everywhere[top])}
