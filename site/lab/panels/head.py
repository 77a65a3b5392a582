# One head's attention: rows look at columns

layer = 0
head = 0
sink = True  # False: without the first position
mass = 1.0  # below 1: only the largest weights of each row that sum to it

from pyscripts.metrics.patterns import visible

visible(run.attentions[layer, head], sink=sink, mass=mass)  # [query, key]
