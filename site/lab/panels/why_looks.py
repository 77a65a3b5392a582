# Attention of the position that predicts a token, mean over all heads

token = 0  # its index in the text
weighted = False  # True: the share of what each layer's attention added

position = run.predicting(token)
if weighted:
    shares = await model.contribution_weights(run, token)  # [layer, head, key]
    sources = shares.sum(axis=1).mean(axis=0)  # [position]
else:
    row = run.attentions[:, :, position, : position + 1]
    sources = row.mean(axis=(0, 1), dtype=float)  # [position]

values = np.full(len(run.position_ids), np.nan)
values[: position + 1] = sources
run.of_tokens(values)
