# The score of every head on random tokens read twice, as measured when the
# model was built (export/check/head_scores.py)

name = "induction"  # or previous_token, duplicate_token

scores = model.manifest["head_scores"]
print(scores["measured"])
np.array(scores[name], float)  # [layer, head]
