# Token probabilities: the model's own, and what the sampling filters make
# of them

token = 0  # its index in the text
options = {"temperature": 0.8, "top_p": 0.9}  # of generate

step = run.steps.get(token)  # how it was chosen, if it was generated
if step is None:  # it was given: how a token would be chosen in its place
    how = {**options, **run.conditions, "max_tokens": 1}
    step = (await model.generate(run.ids[:token], keep=(), **how)).steps[token]

sampled = dict(zip(step.sampled.ids, step.sampled.probabilities))
probability = run.metric("probability")[token]
print(f"{run.texts[token]!r}: {probability:.2%}, rank {run.rank[token]}")
best = step.raw.ids[:10]
{"token": [model.vocabulary[id] for id in best],
 "before": step.raw.probabilities[:10],
 "after the filters": [sampled.get(id, 0) for id in best]}
