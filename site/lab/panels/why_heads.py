# How the log-probability changes (nats) with each head off

token = 0  # its index in the text
target = None  # a token's id or text; None: the token itself
versus = None  # another token
both = False  # True: of the difference of the two log-probabilities
whole_text = False  # False: off at the position that predicts
mean = False  # True: its mean output over the text stands in for it

how = {"scope": "text" if whole_text else "last", "mean": mean}
change = await model.head_sweep(run, token, target, **how)  # [layer, head]
if both:
    change -= await model.head_sweep(run, token, versus, **how)
change
