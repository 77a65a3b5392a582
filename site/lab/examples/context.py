# What does the model know with k tokens? The probability of the last token
# after only so much of the text

ids = run.ids.tolist()
most = len(ids) - 1
steps = [k for k in (2**i for i in range(12)) if k < most] + [most]
logprob = []
for k in steps:
    part = await model.read(ids[-1 - k:], keep=())  # likelihoods only
    logprob.append(part.logprob[-1])
plot(np.exp(logprob), [str(k) for k in steps], kind="bar",
     title="What the model knows with k tokens",
     x_label="tokens of context", y_label="probability of the last token")
