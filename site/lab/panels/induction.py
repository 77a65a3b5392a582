# Induction: every head's attention from one token to the tokens that followed
# its earlier copies

token = 0  # its index in the text

from pyscripts.metrics.heads import pattern_mass

ids, position = run.position_ids, run.position(token)
layers = zip(run.attentions, model.manifest["windows"])
mass = [pattern_mass(attention, ids, window=window).induction
        for attention, window in layers]
np.array(mass)[:, :, position]  # [layer, head]
