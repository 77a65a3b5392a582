# How far back does each head look? In positions, weighted by attention.

attentions = run.attentions  # [layer, head, query, key]
position = np.arange(attentions.shape[-1])
back = position[:, None] - position  # [query, key]
distance = (attentions * back).sum(axis=-1)  # [layer, head, query]
run.of_tokens(distance, axis=-1).mean(axis=-1)  # [layer, head]
