# One number for every head on this text, or its score on random tokens

shade = "entropy"  # entropy_without_sink, distance, received, text_induction …
token = None  # for "received": which token is looked at

from pyscripts.metrics import attention as metrics
from pyscripts.metrics.heads import pattern_mass, scores
from pyscripts.metrics.means import known_mean

def number(attention, window):  # of each head of a layer [head, query, key]
    first, count = run.position(0), attention.shape[1]
    if shade.startswith("text_"):
        found = scores(pattern_mass(attention, run.position_ids, window=window))
        return getattr(found, shade.removeprefix("text_"))
    if shade == "distance":
        return metrics.mean_distance(attention)[:, first:].mean(axis=1)
    if shade == "received":  # from later tokens
        position = run.position(token)
        return known_mean(attention[:, position + 1 :, position])
    whole = metrics.entropies(attention)
    if shade == "entropy":
        share = metrics.normalise(whole.entropy, metrics.visible(count, window=window))
    else:
        share = metrics.normalise(whole.without_sink, metrics.visible_without_sink(count, window=window))
    return known_mean(share[:, first:])

measured = (model.manifest.get("head_scores") or {}).get(shade)  # by the build, on random tokens
layers = zip(run.attentions, model.manifest["windows"])
np.array(measured or [number(attention, window) for attention, window in layers], float)  # [layer, head]
