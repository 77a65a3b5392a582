# Which layers change a class of words more (above 1) or less than the text

from pyscripts.metrics.residual import changes, unnormed
from pyscripts.metrics.word_table import class_table
from pyscripts.metrics.words import classify

keep = ("resid", "attn_out", "mlp_out")
again = await model.read(run.ids, keep=keep, **run.conditions)
stream = unnormed(again.resid, again.attn_out, again.mlp_out)
activity = run.of_tokens(changes(stream).norm, axis=1)  # [layer, token]
classes = classify(run.tokens.data, run.spans)
rows = class_table(classes, run.logprob, run.entropy, activity, activity)
{"class": [row.title for row in rows], "tokens": [row.count for row in rows],
 **{f"layer {layer}": [row.relative_activity[layer] for row in rows]
    for layer in range(len(activity))}}
