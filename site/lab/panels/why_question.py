# Why this token? What the model held likely in its place

token = 0  # its index in the text

statistics = run.statistics
print(repr(run.texts[token]), "log-probability", run.logprob[token], "nats · rank", run.rank[token])
{"alternative": [model.vocabulary[id] for id in statistics.top_ids[token, :10]],
 "log-probability (nats)": statistics.top_logprobs[token, :10]}
