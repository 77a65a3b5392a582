# A steering vector (Turner et al. 2023): what the residual stream of one text
# has more than another's, added to every position while the model writes

layer, strength = model.manifest["layers"] // 2, 1.5
wanted = await model.read("I love this. It is wonderful")
other = await model.read("I hate this. It is terrible")
vector = strength * (wanted.resid[layer, -1] - other.resid[layer, -1])
steer = {"add": [{"layer": layer, "position": None, "vector": vector}]}

how = {"max_tokens": 20, "greedy": True, "keep": ()}
plain = await model.generate("The film was", **how)
steered = await model.generate("The film was", **how, interventions=steer)
{"": ["as it is", "steered"], "text": [plain.text, steered.text]}
