# Repeated passages: the mean surprisal of the first occurrence and of the
# later one

from pyscripts.metrics.means import known_mean
from pyscripts.metrics.repeats import copies, second_copy_curve

surprisal = -run.logprob  # nats

def mean(start, length):
    return known_mean(surprisal[start : start + length])

found = copies(run.ids)
curve = second_copy_curve(surprisal, run.ids)  # by place in the passage
print("by place, first:", np.round(curve.first, 2))
print("by place, again:", np.round(curve.later, 2))
{"passage": ["".join(run.texts[c.start : c.start + c.length]) for c in found],
 "first (nats)": [mean(c.source, c.length) for c in found],
 "again (nats)": [mean(c.start, c.length) for c in found]}
