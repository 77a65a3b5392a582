# One norm for the whole text, by layer and token

name = "hidden_norm"  # or change_norm, attention_norm, mlp_norm

from pyscripts.metrics.residual import changes, norms, unnormed

keep = ("resid", "attn_out", "mlp_out")
again = await model.read(run.ids, keep=keep, **run.conditions)
stream = unnormed(again.resid, again.attn_out, again.mlp_out)
values = {
    "hidden_norm": norms(again.resid), "change_norm": changes(stream).norm,
    "attention_norm": norms(again.attn_out), "mlp_norm": norms(again.mlp_out),
}[name]  # [layer, position]; of hidden states, the embeddings are the first
run.of_tokens(values, axis=1)
