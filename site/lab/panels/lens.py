# The logit lens: what each layer would predict at one token, or after it

token = 0  # its index in the text
this_token = True  # False: the prediction of the token after it

lens = await run.lens(run.position(token) - this_token, top_k=5)
names = [f"layer {layer}" for layer in range(model.manifest["layers"])]
{"after": ["embeddings", *names],
 "prediction": [model.vocabulary[id] for id in lens.top_ids[:, 0]],
 "its probability": np.exp(lens.top_logprobs[:, 0]),
 "rank of the actual token": lens.rank,
 "log-probability of it (nats)": lens.logprob,
 "KL (nats)": lens.divergence}
