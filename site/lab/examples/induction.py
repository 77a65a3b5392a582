# Induction heads look at what followed an earlier copy of the token (Olsson
# et al. 2022). The text is read twice, so that every token gets a copy.

twice = await model.read(run.text + "\n" + run.text)
ids = twice.ids
looks = twice.attentions[:, :, -len(ids):, -len(ids):]  # no prefix token
before = np.concatenate([[-1], ids[:-1]])  # [key] the token before each
follows = (before == ids[:, None]) & np.tri(len(ids), dtype=bool)
mass = (looks * follows).sum(axis=-1)  # [layer, head, query]
mass[:, :, follows.any(axis=1)].mean(axis=-1)  # [layer, head]
