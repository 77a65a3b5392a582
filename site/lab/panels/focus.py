# Attention entropy: that of each head at one token, as a share of the largest
# possible (0: one position, 1: evenly over all it sees)

token = 0  # its index in the text

from pyscripts.metrics.attention import entropies, normalise, visible

focus = []
for attention, window in zip(run.attentions, model.manifest["windows"]):
    entropy = entropies(attention).entropy  # [head, query] nats
    seen = visible(attention.shape[1], window=window)  # [query] positions
    focus.append(normalise(entropy, seen))
np.array(focus)[:, :, run.position(token)]  # [layer, head]
