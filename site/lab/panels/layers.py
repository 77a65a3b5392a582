# Layer-wise activations: L2 norms at one token of the hidden state after each
# layer, of its change, and of what attention and MLP added

token = 0  # its index in the text

from pyscripts.metrics.residual import changes, norms, unnormed

keep = ("resid", "attn_out", "mlp_out")
again = await model.read(run.ids, keep=keep, **run.conditions)
stream = unnormed(again.resid, again.attn_out, again.mlp_out)  # before the norm
position = run.position(token)

def by_layer(values):  # the embeddings have none
    return [None, *values[:, position]]

names = [f"layer {layer}" for layer in range(len(again.attn_out))]
{"after": ["embeddings", *names],
 "hidden state": norms(run.resid)[:, position],
 "change": by_layer(changes(stream).norm),
 "attention": by_layer(norms(again.attn_out)),
 "MLP": by_layer(norms(again.mlp_out))}
