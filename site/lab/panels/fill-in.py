# Fill in the blank: how likely each candidate is after the left context alone,
# and with what follows. Texts, or token ids

left = "The capital of France is"
right = "."
candidates = [" Paris", " Rome", " Berlin"]

from pyscripts.metrics.likelihood import log_softmax

async def cut(text):
    if isinstance(text, str) and text:
        return (await model.read(text, keep=())).ids.tolist()
    return list(text)

left, right = await cut(left), (await cut(right))[:32]
alone = []  # log p(candidate | left), nats
after = []  # log p(right | left, candidate), nats
names = []
for candidate in candidates:
    ids = await cut(candidate)
    names.append("".join(model.vocabulary[id] for id in ids))
    read = await model.read(left + ids + right, keep=())
    end = len(left) + len(ids)
    alone.append(read.logprob[len(left) : end].sum())
    after.append(read.logprob[end:].sum())

share = np.exp(log_softmax(np.array(alone) + after))  # by Bayes' rule
{"candidate": names, "left context only": np.exp(alone), "both sides": share}
