# Direct logit attribution: what each head, and in the last column each MLP,
# added to the logit

token = 0  # its index in the text
target = None  # a token's id or text; None: the token itself
versus = None  # a token: the difference of the two logits

split = await model.attribution(run, token, target, versus)
print(f"logit {split.logit:+.3f}; all parts sum to {split.total:+.3f}")
np.column_stack([split.heads, split.mlp])  # [layer, head + 1]
