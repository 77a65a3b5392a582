# What stands out: the most surprising tokens, and those that the model ranked
# first although it was uncertain

from pyscripts.metrics import text, word_table, words

surprising = text.top_surprises(run.logprob, run.rank)
easier = text.less_surprising_than_expected(run.logprob, run.entropy, run.rank)

classes = words.classify(run.tokens.data, run.spans)
no_layers = np.zeros((0, len(classes)))  # [layer, token]
numbers = run.logprob, run.entropy, no_layers, no_layers
for row in word_table.class_table(classes, *numbers):
    print(f"{row.title}: {row.count}, mean {row.mean_surprisal:.2f} nats")

{"most surprising": [run.texts[i] for i in surprising],
 "surprisal (nats)": -run.logprob[surprising],
 "less surprising than expected": [run.texts[i] for i in easier],
 "entropy (nats)": run.entropy[easier]}
