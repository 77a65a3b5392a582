# GLTR (Gehrmann et al. 2019): which ranks among the model's predictions?

names = ["top 10", "top 100", "top 1,000", "below"]
classes = np.digitize(run.rank, [10, 100, 1000], right=True)  # [token] 0 ... 3
coloured(np.array(names)[classes], order=names)
