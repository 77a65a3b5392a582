# Linus Lee's hue: how likely each token is, against the mean of this text

mean, std = np.nanmean(run.logprob), np.nanstd(run.logprob)
low, high = mean - 2.5 * std, mean + 2.5 * std
hue = (run.logprob.clip(low, high) - low) / (high - low) * 150  # [token]
coloured(hue, "hue")  # degrees: 0 is red, 150 green
