# One number for every head on this text, or its score on random tokens

# or entropy_without_sink, distance, received, induction, previous_token,
# duplicate_token, and the patterns in this text: text_induction …
shade = "entropy"
token = None  # for "received": which token is looked at

from pyscripts.metrics import attention as metrics
from pyscripts.metrics.heads import pattern_mass, scores
from pyscripts.metrics.means import known_mean

def number(attention, window):  # of each head of a layer [head, query, key]
    first, count = run.position(0), attention.shape[1]
    if shade.startswith("text_"):
        masses = pattern_mass(attention, run.position_ids, window=window)
        return getattr(scores(masses), shade.removeprefix("text_"))
    if shade == "distance":
        return metrics.mean_distance(attention)[:, first:].mean(axis=1)
    if shade == "received":  # from later tokens
        position = run.position(token)
        return known_mean(attention[:, position + 1 :, position])
    found = metrics.entropies(attention)
    if shade == "entropy":
        entropy, seen = found.entropy, metrics.visible(count, window=window)
    else:
        entropy = found.without_sink
        seen = metrics.visible_without_sink(count, window=window)
    return known_mean(metrics.normalise(entropy, seen)[:, first:])

measured = (model.manifest.get("head_scores") or {}).get(shade)  # by the build
layers = zip(run.attentions, model.manifest["windows"])
np.array(measured or [number(*each) for each in layers], float)  # [layer, head]
