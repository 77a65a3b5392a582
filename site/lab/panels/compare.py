# Compare two runs: how much likelier each token is here than the same passage
# in another text, which this model reads again (nats)

other = "The cat sat on the mat."

from pyscripts.metrics.compare import Reading, change

there = await model.read(other, keep=())
change(Reading("here", run.tokens, run.logprob),
       Reading("there", there.tokens, there.logprob))
