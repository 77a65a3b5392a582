# What one token looks at, or what looks at it: attention of some heads

token = 0  # its index in the text
direction = "to"  # or "from": what looks at it
heads = None  # [[layer, head]]; None: all
by = "mean"  # or "max"
sink = True  # False: without the first position

from pyscripts.metrics.patterns import combined, visible

attentions = run.attentions  # [layer, head, query, key]
chosen = np.ndindex(attentions.shape[:2]) if heads is None else heads
each = (attentions[layer, head] for layer, head in chosen)
pattern = visible(combined(each, by), sink=sink)  # [query, key]
position = run.position(token)
weights = pattern[position] if direction == "to" else pattern[:, position]
run.of_tokens(weights, axis=0)  # [token]
