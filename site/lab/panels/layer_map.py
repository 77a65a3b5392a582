# One norm for the whole text, or its logit lens, by layer and token

# or change_norm, attention_norm, mlp_norm, lens_rank, lens_logprob,
# lens_divergence
name = "hidden_norm"

from pyscripts.metrics.residual import changes, norms, unnormed

async def norm():
    keep = ("resid", "attn_out", "mlp_out")
    again = await model.read(run.ids, keep=keep, **run.conditions)
    stream = unnormed(again.resid, again.attn_out, again.mlp_out)
    return run.of_tokens({
        "hidden_norm": norms(again.resid), "change_norm": changes(stream).norm,
        "attention_norm": norms(again.attn_out),
        "mlp_norm": norms(again.mlp_out),
    }[name], axis=1)  # of hidden states, the embeddings are the first

async def of_lens():  # of the prediction after each token
    number = name.removeprefix("lens_")
    after = [await run.lens(run.position(token), top_k=0)
             for token in range(len(run.ids))]
    values = np.array([getattr(each, number) for each in after], float).T
    if number == "rank":
        values[values == 0] = np.nan  # nothing follows the last token
    return values

await (of_lens() if name.startswith("lens_") else norm())  # [layer, token]
