# Means over several texts. Put your own into the list: one line, one text

texts = """
The cat sat on the mat.
Colourless green ideas sleep furiously.
She sells sea shells by the sea shore.
""".strip().splitlines()

rows = []
for text in texts:
    each = await model.read(text, keep=())  # likelihoods only
    scored = np.isfinite(each.logprob)
    rows.append([scored.sum(), -each.logprob[scored].mean(),
                 each.entropy[scored].mean()])
tokens, surprisal, entropy = np.array(rows).T
print(f"all {tokens.sum():.0f} tokens: mean surprisal "
      f"{np.average(surprisal, weights=tokens):.3f} nats")

{"text": texts, "tokens": tokens.astype(int),
 "mean surprisal (nats)": surprisal, "mean entropy (nats)": entropy}
