# Which heads does the last token need? Each is switched off in the whole
# text, one by one. Stop ends the sweep.

layers, heads = model.manifest["layers"], model.manifest["heads"]
change = np.zeros((layers, heads))  # nats
for layer in range(layers):
    for head in range(heads):
        off = {"heads": [{"layer": layer, "head": head, "scale": 0}]}
        without = await model.read(run.ids, keep=(), interventions=off)
        change[layer, head] = without.logprob[-1] - run.logprob[-1]
    lowest, highest = change[layer].min(), change[layer].max()
    print(f"layer {layer}: {lowest:+.2f} to {highest:+.2f}")
change
