# What comes next: the tokens that the model expects after the text

from pyscripts.metrics.likelihood import token_statistics

row = token_statistics(run.last_logits[None], [0], top_k=10)
best = [model.vocabulary[id] for id in row.top_ids[0]]
print(f"entropy {row.entropy[0]:.2f} nats")
{"token": best, "probability": np.exp(row.top_logprobs[0])}
