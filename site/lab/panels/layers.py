# Layer-wise activations: L2 norms at one token of the hidden state after each
# layer, of its change, and of what attention and MLP added

token = 0  # its index in the text

from pyscripts.metrics.residual import changes, norms, unnormed

again = await model.read(run.ids, keep=("resid", "attn_out", "mlp_out"), **run.conditions)
stream = unnormed(again.resid, again.attn_out, again.mlp_out)  # without the final norm
position = run.position(token)
by_layer = lambda values: [None, *values[:, position]]  # the embeddings have none
{"after": ["embeddings", *(f"layer {layer}" for layer in range(len(stream) - 1))],
 "hidden state": norms(run.resid)[:, position], "change": by_layer(changes(stream).norm),
 "attention": by_layer(norms(again.attn_out)), "MLP": by_layer(norms(again.mlp_out))}
