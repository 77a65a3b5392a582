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
        hidden = np.arange(sink.shape[1]) >= (window or np.inf)  # by the layer's window
        sink[:, hidden] = np.nan
        sink[:, 0] = np.nan
        return sink
    return metrics.normalise(metrics.entropies(attention).entropy, metrics.visible(attention.shape[1], window=window))

layers = zip(run.attentions, model.manifest["windows"])
values = run.of_tokens(np.array([number(*each) for each in layers]), axis=2)  # [layer, head, token]
values = known_mean(values, axis=1) if layer is None else values[layer]  # [layer or head, token]
classes = np.array(classify(run.tokens.data, run.spans))
names = sorted(set(classes), key=lambda name: (-(classes == name).sum(), list(CLASSES).index(name)))
{"class": [CLASSES[name] for name in names], "tokens": [(classes == name).sum() for name in names],
 **{str(i): [known_mean(row[classes == name]) for name in names] for i, row in enumerate(values)}}
