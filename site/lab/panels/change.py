# What the interventions changed: each token's log-probability under them, less
# the unchanged model's (nats)

unchanged = await model.read(run.ids, keep=(), prefix=run.conditions["prefix"])
run.logprob - unchanged.logprob
