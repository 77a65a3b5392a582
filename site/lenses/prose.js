// The texts of panels: a caption, how the numbers are computed, the formula, and the Python functions that do it; main thread.

/**
 * @typedef {{ caption: string, how: string, formula: string, source: string }} Prose
 * @type {Record<string, Prose>}
 */
export const PROSE = {
  choice: {
    caption: 'The model’s probabilities before this token, and what the sampling filters made of them.',
    how: 'The logits of the position before the token become probabilities over the whole vocabulary. Then penalties, temperature, top-k, top-p and min-p are applied in this order, and a token is drawn. For a token that was given rather than generated, the filters are those of your settings.',
    formula: 'p = softmax(logits);  entropy = −Σ p·ln p;  filtered: softmax(logits / T), removed tokens get 0',
    source: 'choosing.choice, sampling.distribution',
  },
  layers: {
    caption: 'L2 norm of the hidden state after each layer, of the change the layer made, and of what its attention and MLP added.',
    how: 'Every layer adds the outputs of its attention and its MLP to the token’s hidden state. A bar is the L2 norm of a vector; each column has its own axis. The last hidden state is taken after the final norm, as transformers returns it; changes are taken before it.',
    formula: '‖h‖₂ = √Σ hᵢ²;  change of layer l = ‖h_{l+1} − h_l‖₂',
    source: 'layers.layers, residual.norms, residual.changes',
  },
  focus: {
    caption: 'Focused heads (orange) attend to few positions, diffuse heads (blue) to many.',
    how: 'A head spreads its attention over the positions so far; the entropy says over how many. It grows with the length of the text, so the cells show it divided by its largest possible value, the logarithm of the number of positions the layer sees. Many heads rest on the first position, the attention sink, when they have nothing to do: its share is given, and so is the entropy of the rest. Bars are means over a layer’s heads.',
    formula: 'H = −Σ p·ln p over a head’s attention;  normalised = H / ln(visible positions);  without the sink: p / (1 − p₀)',
    source: 'focus.focus, attention.entropies',
  },
  why_adds: {
    caption: 'Direct logit attribution: the logit as a sum of what the embedding, each head and each MLP added.',
    how: 'After the last layer, the residual stream at the position before the token is the sum of the embedding and of everything that heads and MLPs added. The final norm divides it by one number, so the logit is a sum too, with one part for each of them. A head’s part is split by the position it read from; the text is shaded by the sum over all heads. It is what was added directly: what a head did through later layers is not in its part. With a second token, it is the difference of the two logits that is split.',
    formula: 'logit(t) = Σ parts · w_t / scale of the final norm + biases;  head from key k: A[q, k] · (V[k] · W_O · w_t) / scale',
    source: 'attribution.attribute, why.why_adds',
  },
  why_looks: {
    caption: 'How much the position that predicts the token attends to each earlier token.',
    how: 'Attention is the mean over all heads of all layers. Weighted, each weight is multiplied by the size of what the head moves from there and by its alignment with what the layer’s attention added: the share of the layer’s output that came from each token, mean over layers. Tokens that only take attention, such as the sink, then count for little.',
    formula: 'A[q, k];  weighted: Σ_heads A[q, k] · (V[k] · W_O · o) / ‖o‖², where o is what the layer’s attention added',
    source: 'attribution.contribution_weights, why.why_looks',
  },
  why_tokens: {
    caption: 'How the log-probability changes if the position that predicts may not look at a token directly.',
    how: 'The position is computed again once for each earlier token, with that one link cut in every head and layer before the softmax, so that the rest of the attention is rescaled to sum to 1. It is causal, but partial: what earlier positions had gathered from the token still reaches the prediction.',
    formula: 'Δ = log p(target | link cut) − log p(target)',
    source: 'needs.why_tokens, interventions.copies',
  },
  why_heads: {
    caption: 'How the log-probability changes if one head is switched off.',
    how: 'A head is off when its attention is multiplied by 0 (zero ablation), or when its output, before the output projection, is replaced by its mean over all positions of this text as the unchanged model reads it (mean ablation). It is off only at the position that predicts, or at every position; the latter takes one pass of the text for each head. Zero is not a value a head usually gives; its mean is. Others may take over, so a small change does not mean the head does nothing: “Off together” switches off the heads whose own changes lower the target most, and if that costs more than the sum of their own changes, one of them is a backup of another.',
    formula: 'Δ = log p(target | head off) − log p(target)',
    source: 'ablations.why_heads, ablation.AttentionSums, interventions.copies',
  },
  why_context: {
    caption: 'How many tokens of context the prediction needs.',
    how: 'The model reads only the last 1, 2, 4 … tokens before the token, after the prefix token, as if the text began there.',
    formula: 'log p(target | last n tokens)',
    source: 'needs.why_context, attribution.curve_lengths',
  },
  why_agreement: {
    caption: 'How well the quick answers, at one position, agree with slow ones for the whole text.',
    how: 'Quick: the changes of “Needs”, summed over the tokens of a span, and the ten heads with the largest change. Slow: the text is read again without the span, and with the head off everywhere. Leaving a span out also moves the tokens after it. The rank correlation (Spearman) says how alike the two orders are: 1 is the same order, 0 no relation.',
    formula: 'ρ = correlation of the ranks of quick and slow changes',
    source: 'needs.why_agreement, attribution.rank_correlation',
  },
  patch: {
    caption: 'Activation patching: how the prediction after the text changes if the residual stream of another text, A, is copied into it at one layer and position, or the output of one head.',
    how: 'The residual stream that enters a layer at one position of the text here (B) is replaced by the one of the pinned text (A) at the same position, and everything after it is computed again. Of a head, its output before the output projection is replaced, at the chosen token or at every one: attention times values, computed for both texts. Texts of different lengths are aligned from the start, from the end, at the beginning and the end that they have in common, or by hand, token by token. Texts of equal length can be paired by hand, too. The prefix tokens are always paired. A large change says that this place carries what makes the two predictions differ. The numbers are log-probabilities after the whole text: the target’s, or its difference from the other token’s if one is chosen. The last row is the stream that enters the final norm. Places before the first token that differs, and other positions after the last layer, cannot change anything: they are left blank, and their change is exactly 0.',
    formula: 'Δ[layer, position] = m(B | h[layer, position] := A’s h[layer, position]) − m(B);  Δ[layer, head] = m(B | z[layer, head] := A’s z[layer, head]) − m(B);  m = log p(target) − log p(other)',
    source: 'patching.grid, patching.head_grid, head_outputs.outputs, alignment.origins, interventions.copies',
  },
  steer: {
    caption: 'A steering vector: the difference of two texts’ residual streams at a layer, added to every position of another.',
    how: 'The vector is the residual stream that enters a layer, in the pinned text A minus in this text: at the last position, or as the mean over the tokens without the prefix token. Or it is the mean over one list of texts minus that over another, where each text counts once. Times the strength, it is added to the residual stream at every position, while reading and while generating. Before and after are generated from the same tokens, with the same seed and sampling settings; only the vector differs.',
    formula: 'v = h_A[layer] − h_B[layer];  h[layer, position] := h[layer, position] + strength · v',
    source: 'patching.steering, patch.steering, interventions.inputs',
  },
  change: {
    caption: 'The text under the interventions, against the same text read by the unchanged model.',
    how: 'A head that is off adds nothing; a scaled head adds that much of its output. A cut link gets no attention, and the rest of the row is rescaled to sum to 1. The unchanged model reads the same tokens, and each token’s two log-probabilities are compared. Positive: likelier under the interventions.',
    formula: 'Δ[token] = log p(token | interventions) − log p(token)',
    source: 'change.change, interventions.inputs',
  },
  lens: {
    caption: 'What the model would predict if it stopped after each layer: in the place of this token, or after it.',
    how: 'The hidden state after each layer goes through the final norm and the unembedding, as if it were the last. The state is that of the position that predicts: for this token, the one before it. Rank: that of the actual token. KL: how far the layer’s distribution is from the final one (0 at the end).',
    formula: 'softmax(W_U · norm(h_l));  KL(final ‖ layer) = Σ p_final · (ln p_final − ln p_layer)',
    source: 'lens.logit_lens, lens.read',
  },
  dimensions: {
    caption: 'Every dimension of the token’s hidden state after one layer, and the tokens where its largest ones peak.',
    how: 'The colours run from minus to plus the largest value of this vector. For each of its largest dimensions, the text is searched for the tokens where that dimension is largest with the same sign.',
    formula: 'h[layer, token, dimension];  largest: by |h|',
    source: 'layers.dimensions',
  },
  layer_map: {
    caption: 'One norm for the whole text, or what the logit lens says of the token after each: a column is a token, a row a layer.',
    how: 'A cell is a norm as in “Layer-wise activations”. Colours are spread logarithmically from the smallest to the largest value of the text, because a few tokens, mostly the first, have norms many times larger than the rest. The logit lens is that of “Logit lens”, of the prediction of the next token; it is computed a few tokens at a time. Ranks are spread logarithmically, too; log-probabilities and divergences evenly, and the divergence of the embeddings may lie beyond the scale.',
    formula: 'colour = (ln v − ln min) / (ln max − ln min)',
    source: 'layers.layer_map, lens.over_text, scales.logarithmic',
  },
  word_classes: {
    caption: 'Which layers change a class of words more (blue) or less (orange) than they change the whole text.',
    how: 'Tokens belong to the class of their word. A layer’s activity is the norm of the change it makes; divided by its mean over the text (geometric means), 1 is usual. The layers named change the class more than the text by over two standard errors, the most raised first.',
    formula: 'relative activity[class, layer] = exp(mean over the class of ln ‖h_{l+1} − h_l‖ − mean over the text)',
    source: 'layers.word_classes, word_table.class_table, words.classify',
  },
  looks_at: {
    caption: 'The text is shaded by how much the token looks at each other token, or how much each of them looks at it.',
    how: 'A head’s weights say how much of what it moves to a token comes from each position up to it; a row of weights sums to 1. Several heads are combined weight by weight, as their mean or maximum. The darkest shade is the largest weight in the text. Without the sink, the first position is left out of the combined row and the rest is divided by its sum.',
    formula: 'A[query, key] = softmax(q·kᵀ / √d);  without the sink: A[query, key] / (1 − A[query, 0])',
    source: 'looks.looks_at, patterns.combined, patterns.visible',
  },
  head_grid: {
    caption: 'Every head’s pattern on this text, framed in the colour of a number you choose.',
    how: 'A picture has a row for each query and a column for each key, reduced to blocks by the largest weight in each, on a logarithmic scale from 1% to 100%. The model’s scores were measured when it was built, on random tokens repeated once; heads above 0.4 are named. The other numbers describe this text: means over its tokens. Entropies are divided by their largest possible value; “On the chosen token” is the mean weight that later tokens put on it. “Switch off” reads the text again without the heads listed beside it, as under “Interventions” in the Why lens.',
    formula: 'induction = mean attention from each token of the second copy to the token after its first occurrence',
    source: 'head_grid.thumbnails, head_grid.head_grid, survey.Survey, heads.pattern_mass',
  },
  head: {
    caption: 'The attention of one head: each row is a token that looks, each column a token that is looked at.',
    how: 'Positions count the prefix token. In a long text, weights are stored in 16 bits, which changes them by at most 0.0008%. A pixel that shows several weights has the colour of the largest. The bars at the right and below are sums of rows and columns, on an axis that ends at the largest sum other than the first position’s. A share of the mass keeps the fewest weights of each row that sum to it. Arcs in the text lead from the token that looks to the one it looks at: the strongest links between two different tokens, without the first position. Similar heads: Pearson’s correlation of the weights over all pairs that can see each other, without the first position.',
    formula: 'A[query, key], Σ_key A = 1;  r = cov(A, B) / (σ_A · σ_B) over key ≤ query, key > 0',
    source: 'one_head.head, patterns.visible, patterns.strongest, one_head.similar_heads',
  },
  induction: {
    caption: 'An induction head looks from a repeated token to the token that followed it before, and so predicts it again.',
    how: 'For each head, the attention from this token to all tokens that follow an earlier copy of it. Beside it is the head’s score on random tokens read twice, measured when the model was built. The curve is the mean surprisal of this text’s repeated passages by place, at their first and later occurrences.',
    formula: 'Σ A[query, k + 1] over the earlier positions k of the same token',
    source: 'induction.induction, heads.pattern_mass, repeats.second_copy_curve',
  },
  model_heads: {
    caption: 'The score of every head on random tokens that are read twice, where only copying helps.',
    how: 'Induction: mean attention from each token of the second copy to the token that followed it in the first. Duplicate token: to its first copy. Previous token: from every token to the one before it. Measured with the exported model when it was built.',
    formula: 'induction = mean over the second copy of A[t, t − length + 1]',
    source: 'export/check/head_scores.measure, induction.model_heads',
  },
  attention_classes: {
    caption: 'How words of a class look at the text before them: widely or narrowly, near or far, or at the first position.',
    how: 'Tokens belong to the class of their word; the number of tokens is in brackets. A cell is the mean over the tokens of the class and, by layer, over the layer’s heads. Entropy is divided by its largest possible value; distance is the mean number of tokens back, weighted by attention.',
    formula: 'mean over tokens of H / ln(visible positions);  Σ A[query, key]·(query − key);  A[query, 0]',
    source: 'attention_classes.attention_classes, words.classify, attention.mean_distance',
  },
  python: {
    caption: 'Python over the current run, in a worker of its own that reaches neither the network nor what this site stores.',
    how: 'run is the run that is shown, model the model, np numpy, and all of pyscripts can be imported. The value of the last line is shown: an array with one value for each token colours the text, coloured(values, "hue") chooses how; an array of two axes is a heatmap, a dict of columns a table, a text that begins with <svg a picture; plot(values, x, kind="line", title=…, x_label=…, y_label=…) makes one of arrays. A function decorated with @metric(title, unit, source), from pyscripts.metrics, is in the colour menu above the text, for the run it was computed for. Numbers are in nats. Passes of the model are awaited; they change neither the text nor the run.',
    formula: 'run.logprob, run.rank, run.entropy, run.ids, run.texts: [token];  run.attentions: [layer, head, query, key];  run.resid: [layer+1, position, hidden];  run.of_tokens(array);  run.metric(name);  await run.lens(position);  await model.read(text, interventions=…);  await model.generate(prompt, max_tokens=20);  await model.attribution(run, token);  await model.head_sweep(run, token)',
    source: 'result.Run, page.lab_model.LabModel, lab.values.shown, lab.plot.plot',
  },
};

/** How Transformer Lab computes the same three things, by the panel they belong to. @type {Record<string, string>} */
export const TRANSFORMER_LAB = {
  choice: 'Transformer Lab lists five predictions: the probability after temperature and top-p (no other filter), and the model’s own logit.',
  layers: 'Transformer Lab shows the norm of each hidden state at the last position before the token, embeddings first: ‖h_l[last]‖₂.',
  focus: 'Transformer Lab shows the entropy of the last query before the token, mean over heads, with a small constant in the logarithm: −Σ p·ln(p + 1e−9).',
};
