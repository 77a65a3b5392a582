# How words of each class look at the text: by layer, or by the heads of one

quantity = "entropy"  # or "sink", "distance"
layer = None  # None: every layer, mean over its heads

from pyscripts.metrics import attention as metrics
from pyscripts.metrics.means import known_mean
from pyscripts.metrics.words import CLASSES, classify

def number(attention, window):  # [head, query] of a layer [head, query, key]
    if quantity == "distance":
        return metrics.mean_distance(attention)
    if quantity == "sink":
        sink = metrics.entropies(attention).sink
        hidden = np.arange(sink.shape[1]) >= (window or np.inf)
        sink[:, hidden] = np.nan  # out of the layer's window
        sink[:, 0] = np.nan
        return sink
    seen = metrics.visible(attention.shape[1], window=window)
    return metrics.normalise(metrics.entropies(attention).entropy, seen)

layers = zip(run.attentions, model.manifest["windows"])
values = np.array([number(*each) for each in layers])
values = run.of_tokens(values, axis=2)  # [layer, head, token]
values = known_mean(values, axis=1) if layer is None else values[layer]

classes = np.array(classify(run.tokens.data, run.spans))
count = {name: (classes == name).sum() for name in CLASSES}
names = [name for name in CLASSES if count[name]]
names.sort(key=lambda name: -count[name])
{"class": [CLASSES[name] for name in names],
 "tokens": [count[name] for name in names],
 **{str(i): [known_mean(row[classes == name]) for name in names]
    for i, row in enumerate(values)}}  # by layer or head
