// What panels say of themselves: a caption, how their numbers are computed, the formula, and the Python functions that do it.

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
    source: 'activations.focus, attention.attention_statistics',
  },
  lens: {
    caption: 'What the model would predict next if it stopped after each layer.',
    how: 'The hidden state after each layer goes through the final norm and the unembedding, as if it were the last. Rank: that of the actual next token. KL: how far the layer’s distribution is from the final one (0 at the end).',
    formula: 'softmax(W_U · norm(h_l));  KL(final ‖ layer) = Σ p_final · (ln p_final − ln p_layer)',
    source: 'activations.lens_layers, lens.read',
  },
  dimensions: {
    caption: 'Every dimension of the token’s hidden state after one layer, and the tokens where its largest ones peak.',
    how: 'The colours run from minus to plus the largest value of this vector. For each of its largest dimensions, the text is searched for the tokens where that dimension is largest with the same sign.',
    formula: 'h[layer, token, dimension];  largest: by |h|',
    source: 'layers.dimensions',
  },
  layer_map: {
    caption: 'One norm for the whole text: a column is a token, a row a layer.',
    how: 'A cell is a norm as in “Layer-wise activations”. Colours are spread logarithmically from the smallest to the largest value of the text, because a few tokens, mostly the first, have norms many times larger than the rest.',
    formula: 'colour = (ln v − ln min) / (ln max − ln min)',
    source: 'layers.layer_map, scales.logarithmic',
  },
  word_classes: {
    caption: 'Which layers change a class of words more (blue) or less (orange) than they change the whole text.',
    how: 'Tokens belong to the class of their word. A layer’s activity is the norm of the change it makes; divided by its mean over the text (geometric means), 1 is usual. The layers named change the class more than the text by over two standard errors, the most raised first.',
    formula: 'relative activity[class, layer] = exp(mean over the class of ln ‖h_{l+1} − h_l‖ − mean over the text)',
    source: 'layers.word_classes, word_table.class_table, words.classify',
  },
};

/** How Transformer Lab computes the same three things, by the panel they belong to. @type {Record<string, string>} */
export const TRANSFORMER_LAB = {
  choice: 'Transformer Lab lists five predictions: the probability after temperature and top-p (no other filter), and the model’s own logit.',
  layers: 'Transformer Lab shows the norm of each hidden state at the last position before the token, embeddings first: ‖h_l[last]‖₂.',
  focus: 'Transformer Lab shows the entropy of the last query before the token, mean over heads, with a small constant in the logarithm: −Σ p·ln(p + 1e−9).',
};
