# How many tokens of context the prediction needs: its log-probability after
# only the last few

token = 0  # its index in the text
target = None  # a token's id or text; None: the token itself

from pyscripts.metrics.attribution import curve_lengths

target = run.target(token, target)
heads = {"heads": run.interventions.get("heads", [])}  # others have positions
how = run.conditions | {"interventions": heads}
lengths, logprob = curve_lengths(token), []
for count in lengths:
    ids = [*run.ids[token - count : token], target]
    part = await model.read(ids, keep=(), **how)
    logprob.append(part.logprob[-1])
{"tokens of context": lengths, "log-probability (nats)": logprob}
