# Attention focus: the entropy of each head's attention at one token, as a share
# of the largest possible (0: one position, 1: evenly over all it sees)

token = 0  # its index in the text

from pyscripts.metrics.attention import entropies, normalise, visible

focus = []
for attention, window in zip(run.attentions, model.manifest["windows"]):  # each layer
    entropy = entropies(attention).entropy  # [head, query] nats
    focus.append(normalise(entropy, visible(attention.shape[1], window=window)))
np.array(focus)[:, :, run.position(token)]  # [layer, head]
