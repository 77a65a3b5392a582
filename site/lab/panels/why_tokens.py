# How the log-probability changes (nats) if the position that predicts a token
# may not look at an earlier one: the link is cut in every head and layer

token = 0  # its index in the text
target = None  # a token's id or text; None: the token itself
versus = None  # another token
both = False  # True: of the difference of the two log-probabilities

change = await model.dependence(run, token, target)  # [position]
if both:
    change -= await model.dependence(run, token, versus)

values = np.full(len(run.position_ids), np.nan)
values[: len(change)] = change
run.of_tokens(values)
