# Why this token? What the model held likely in its place

token = 0  # its index in the text

best = run.statistics.top_ids[token, :10]
print(repr(run.texts[token]), run.logprob[token], "nats, rank", run.rank[token])
{"alternative": [model.vocabulary[id] for id in best],
 "log-probability (nats)": run.statistics.top_logprobs[token, :10]}
