# How much of the residual stream stays? The cosine between its states before
# every two layers, mean over the tokens

states = run.of_tokens(run.resid, axis=1)[:-1]  # [layer, token, hidden]
unit = states / np.linalg.norm(states, axis=-1, keepdims=True)
cosines = [(unit * one).sum(axis=-1) for one in unit]  # [layer, token] of each
np.stack(cosines).mean(axis=-1)  # [layer, layer]
