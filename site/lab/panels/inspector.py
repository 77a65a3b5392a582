# The selected token: how likely it was. Numbers are in nats.

token = 0  # its index in the text

names = ["probability", "rank", "surprisal", "entropy", "mass_above"]
numbers = {name: run.metric(name)[token] for name in names}
best = [model.vocabulary[id] for id in run.statistics.top_ids[token, :10]]
print(repr(run.texts[token]), "· the model expected:", best)
numbers
