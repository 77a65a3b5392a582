# Was the token more surprising than expected? Surprisal minus entropy (nats)

surprisal = -run.logprob  # [token]
surprisal - run.entropy  # above 0: more surprising than expected
