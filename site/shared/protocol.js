// The whole conversation between the page's three threads, as types; no code runs here. That with the lab is in lab_protocol.js.
// Calls go through Comlink, so a worker's API is an interface; large arrays are transferred flat, once.

/**
 * site/models/<id>/manifest.json, checked by shared/manifest.js.
 * @typedef {{
 *   schema: string, id: string, name: string, source: string, revision: string | null, license: string | null,
 *   architecture: string, parameters: number, weights: 'int8' | 'fp16' | 'fp32',
 *   layers: number, heads: number, kv_heads: number, head_size: number, hidden_size: number,
 *   vocab_size: number, context_length: number,
 *   prefix: { id: number, text: string, reason: string } | null, windows: (number | null)[], eos: number[],
 *   inputs: { input_ids: string, attention_mask: string, position_ids: string | null, past: [string, string][],
 *             head_mask?: string, attention_bias?: string, residual_add?: string, head_output_add?: string, logit_rows?: string,
 *             lens?: string, target_ids?: string, direction?: string },
 *   outputs: { logits: string, present: [string, string][], hidden_states: string[], attentions: string[],
 *              lens_logits?: string, attention_output?: string[], mlp_output?: string[], target_rows?: string, target_constants?: string, direct?: string[] },
 *   final_norm?: { kind: 'layer' | 'rms', epsilon: number }, logit_softcap?: number | null, attention_bias?: boolean, copies?: boolean, head_outputs?: boolean,
 *   decode?: { file: string, bytes: number, tensors: { name: string, at: number, shape: [number, number], axis: number, block: number,
 *              parts: Record<string, StoredPart> }[], on_processor?: string[] },
 *   cache: { recent: [string, string][], added: [string, string][] },
 *   head_scores?: { induction: (number | null)[][], previous_token: (number | null)[][], duplicate_token: (number | null)[][],
 *                   measured: Record<string, unknown> } | null,
 *   files: ModelFile[], sha256: string, fidelity?: Record<string, unknown>, reference?: { ids: number[], logprob: (number | null)[] },
 *   examples?: { id: string, title: string, name: string, bytes: number, sha256: string }[]
 * }} Manifest
 * @typedef {{ name: string, bytes: number, sha256: string }} Chunk
 * @typedef {{ type: string, at: number, bytes: number }} StoredPart where weights.bin holds a part of a matrix
 * @typedef {{ path: string, bytes: number, sha256: string, chunks: Chunk[] }} ModelFile
 * @typedef {{ id: string, name: string, weights: string, parameters: number, bytes: number, license: string | null }} ModelEntry
 */

/**
 * A text cut into tokens. `bytes[i]` is token i's range in the bytes of all tokens one after the other, which are the UTF-8
 * of `text` if they are UTF-8 at all; `hex[i]` are those bytes themselves, as in “F0 9F A6”.
 * @typedef {{ text: string, ids: number[], texts: string[], bytes: [number, number][], hex: string[], control: boolean[],
 *             total: number }} TokenizedText
 *   `control[i]`: token i is a control token, such as <|endoftext|>, even if it was typed.
 *   `total` counts the tokens of the whole text; it is more than `ids.length` if the context cut it off.
 */

/**
 * A token that was just generated; `whole` is the text with it.
 * @typedef {{ id: number, text: string, bytes: [number, number], hex: string, control: boolean, whole: string }} AppendedToken
 */

/**
 * What a run's numbers depend on besides its token ids: the model's sha256, the prefix token (null: none), the
 * interventions, as canonical JSON, and the stride of its windows (null: read in one pass). Results may be reused only
 * between runs for which all of these are equal.
 * @typedef {{ model: string, prefix: number | null, interventions: string, stride: number | null }} RunConditions
 * @typedef {RunConditions & { ids: number[] }} RunKey `ids`: the shown tokens, without the prefix token
 */

/**
 * What is changed inside the model, in one order (interventions.js; pyscripts/interventions.py says what each does). Positions
 * count the prefix token; `query` and `position` null: all.
 * @typedef {{
 *   heads?: { layer: number, head: number, scale: number }[],
 *   cut?: { query: number | null, keys: number[], layers?: number[], heads?: number[] }[],
 *   add?: { layer: number, position: number | null, vector: number[], head?: number }[]
 * }} Interventions
 *
 * What is changed to see what follows: the links of one position to `cut`, `heads` that are off, vectors to `add`, the layer, position and,
 * if one is copied, head to `patch` from the pinned reading, or other `ids` to read, under their own interventions.
 * @typedef {{ cut?: number[], heads?: [number, number][], add?: Interventions['add'], patch?: [layer: number, position: number, head?: number], ids?: number[], interventions?: Interventions }} Variant
 *
 * Some of the `of` variants of one position that Python plans, beginning with number `first` (page/views/variants.py). scope: copies of the last
 * position, or of all from a patch on, in one pass, the text read again for each, or the variant's own ids.
 * @typedef {{ kind: string, scope: 'last' | 'text' | 'ids', position: number, targets: number[], first: number, variants: Variant[], of: number }} Variants
 */

/**
 * A text that is read for the outputs of its heads (page/beside.py): the pinned one, this one, or this one for their means. `ids`
 * count the prefix token.
 * @typedef {{ of: 'a' | 'b' | 'means', ids: number[], interventions: Interventions }} HeadsRequest
 */

/**
 * Two lists of texts, the layer that is looked at, and whether its input's mean over the tokens is taken, or the last token's.
 * @typedef {{ lists: [string[], string[]], layer: number, mean: boolean }} ListRequest
 */

/**
 * Options of a run, checked by shared/options.js. `topK` of analyze is the number of alternatives in the Run, that of generate a filter.
 * `stride` reads a text longer than the context in windows, each so many tokens after the one before (pyscripts/strides.py).
 * @typedef {{ topK?: number, prefix?: boolean, literal?: boolean, stride?: number }} AnalyzeOptions
 * @typedef {{ maxTokens?: number, temperature?: number, topK?: number, topP?: number, minP?: number, repetitionPenalty?: number,
 *             frequencyPenalty?: number, seed?: number, greedy?: boolean, stop?: string[], stopAtEnd?: boolean, prefix?: boolean,
 *             literal?: boolean }} GenerateOptions
 *   `maxTokens` 0 only reads the prompt; `stopAtEnd`: whether an end token ends the generation; `literal`: control
 *   tokens in the text are read as plain text (of ids it only says that they were)
 * @typedef {{ runId: number, kind: 'read', input: string | number[], options: AnalyzeOptions, interventions: Interventions, given: null }} ReadRequest
 * @typedef {{ runId: number, kind: 'generate', input: string | number[], options: GenerateOptions, interventions: Interventions, given: number | null }} GenerateRequest
 *   `given`: how many of the prompt's tokens count as given, the others as generated, so that a text can be continued or
 *   branched as if it had never been interrupted
 * @typedef {ReadRequest | GenerateRequest} RunRequest
 */

/**
 * A blank between two contexts, given as texts or, to keep their cut, as token ids. Candidates: `words` are cut by the
 * tokenizer, `candidates` are ids, and the `count` most likely single tokens are added.
 * @typedef {{ left: string | number[], right: string | number[], words: string[], candidates: number[][], count: number }} FillInRequest
 * @typedef {{ ids: number[], text: string, logprob: number | null, right_logprob: number | null, probability: number, share: number }} Ranked
 *   see pyscripts/decoding/fill_in.py; the list begins with the best
 */

/**
 * What one pass of the model returned, transferred from inference to analysis; key = all positions up to its last; null: not
 * asked for. All arrays lie in one buffer, which the receiver gives back.
 * @typedef {{
 *   count: number,                        // queries
 *   logits: Float32Array<ArrayBuffer>,    // [query, vocab]
 *   attentions: Float32Array | null,      // [layer, head, query, key]
 *   hiddenStates: Float32Array | null,    // [layer+1, query, hidden]
 *   attentionOutput: Float32Array | null, // [layer, query, hidden] what attention added to the residual stream
 *   mlpOutput: Float32Array | null        // [layer, query, hidden] what the MLP added
 * }} ForwardChunk
 * @typedef {{ buffers: ArrayBuffer[], wait: number }} Taken the chunks' memory; wait: ms until more could be shown at once
 */

/**
 * An array from Python: flat, row-major, transferred.
 * @typedef {Float32Array | Float64Array | Int32Array | Int16Array | Uint8Array} Numbers
 * @typedef {{ data: Numbers, shape: number[] }} PyArray
 */

/**
 * New results of a run, from analysis to main while it is read, at most ten times a second; one row for each shown token.
 * @typedef {{
 *   runId: number, first: number, count: number, appended: AppendedToken[],
 *   arrays: Record<string, PyArray>, words: Words,
 *   colours: Colours & { first: number }, summary: Summary
 * }} RunUpdate
 *   `appended` are the tokens drawn since; `arrays` cover the `count` tokens read since, from `first` on; `words` and `summary`
 *   cover every token so far; `colours` are those from their own `first` on: 0 if the scale has changed, which depends on the text.
 * @typedef {Record<'words' | 'probability' | 'word_surprisal' | 'word_surprisal_corrected', PyArray>} Words `words` [word, 2]: the
 *   first token of each word and the one after its last; the others [word], see word_columns in pyscripts/page/arrays.py
 * @typedef {{ tokens: number, total_tokens: number, scored_tokens: number, mean_logprob: number | null, std_logprob: number | null, perplexity: number | null,
 *             bits_per_byte: number | null, bits_per_character: number | null, convention?: string }} Summary see pyscripts/metrics/text.py; nats
 * @typedef {{ background: string[], text: string[] }} ThemeColours CSS, one for each token or stop of a legend
 * @typedef {{ light: ThemeColours, dark: ThemeColours,
 *             legend: { values: number[], labels: string[], light: ThemeColours, dark: ThemeColours, continuous: boolean,
 *                       in_units?: Record<'bits' | 'nats', string[]> | null } }} Colours `in_units`: the labels, if they hold amounts
 * @typedef {{ light: string[], dark: string[], light_text: string[], dark_text: string[] }} Palette CSS colours by step, and those of text on them
 * @typedef {{ id: string, title: string, description: string, of_words?: boolean }} Colouring `of_words`: whole words have it, too
 */

/**
 * What Python answers about a run: plain JSON beside flat arrays (pyscripts/page/views). `Views` is the one list of them.
 * @template [Json=Record<string, never>] @template {string} [Names=never]
 * @typedef {{ json: Json, arrays: Record<Names, PyArray> }} Answer
 */

/**
 * @typedef {{ name: string, hidden_norm: number | null, change_norm: number | null, attention_norm: number | null, mlp_norm: number | null, change_cosine: number | null }} LayerRow
 * @typedef {{ id: number, text: string, raw: number | null, rank: number | null, sampled: number | null, chosen: boolean }} ChoiceRow
 * @typedef {{ name: string, kept: number, removed_mass: number }} FilterEffect
 * @typedef {{ token: number, id: number, text: string, known: false } | {
 *   token: number, id: number, text: string, known: true, generated: boolean, probability: number, logprob: number | null, rank: number, entropy: number,
 *   choices: string, words: string, rows: ChoiceRow[], sampled_probability: number | null, sampled_entropy: number | null, filters: FilterEffect[] | null }} Choice
 * @typedef {{ value: number, level: number }} Stop of a palette's legend
 * @typedef {{ id: number, text: string, logprob: number | null, probability: number, level: number }} LensToken
 * @typedef {{ layer: number, name: string, top: LensToken[], logprob: number | null, probability: number | null, rank: number | null,
 *             entropy: number | null, divergence: number | null }} LensRow
 * @typedef {{ token: number, this_token: boolean, next: { id: number, text: string } | null, layers: LensRow[], settled: string, palette: string, stops: Stop[] }} LogitLens
 * @typedef {{ token: number, text: string, probability: number, surprisal_nats: number, entropy_nats: number, expected: string | null }} Remark
 * @typedef {{ title: string, count: number, mean_surprisal_nats: number | null, mean_entropy_nats: number | null }} ClassRow
 * @typedef {{ start: number, source: number, length: number, text: string, first_nats: number | null, later_nats: number | null }} CopyRow
 * @typedef {{ first: (number | null)[], later: (number | null)[], count: number[] }} Curve by place in repeated passages: mean surprisal in nats,
 *   and how many copies are long enough
 * @typedef {{ surprises: Remark[], less_surprising: Remark[], classes: ClassRow[], code: boolean, copies: CopyRow[], curve: Curve }} Findings
 * @typedef {ClassRow & { raised_layers: number[] | null, relative_activity: (number | null)[], attention_entropy: (number | null)[] }} ActiveClassRow
 * @typedef {{ model: string, tokens: TokenizedText, colours: Colours, summary: Summary }} Side
 * @typedef {{ name: string, index: number, value: number, where: { token: number, text: string, value: number }[] }} Dimension
 * @typedef {{ token: number, layer: number, known: false } | {
 *   token: number, layer: number, known: true, name: string, palette: string, stops: Stop[], top: Dimension[], among: number | null }} HiddenState
 * @typedef {{ missing: number[] | 'survey' }} Lacking what the attention views answer until more has been computed: some layers, or a
 *   survey of all heads (see InferenceApi.attention)
 * @typedef {{ layer: number, head: number, name: string, score: number, reason: string }} HeadLabel
 * @typedef {[layer: number, head: number][] | null} Heads null: all
 * @typedef {{ tokens: number, direction: 'to' | 'from', palette: string }} Looks
 * @typedef {{ token: number, direction: 'to' | 'from', prefix: number | null, sum: number, top: { token: number, text: string, weight: number }[] }} LooksAt
 * @typedef {{ layer: number, head: number, size: number, names: string[], palette: string, stops: Stop[] }} OneHead
 * @typedef {{ rows: number, columns: number, blocks: number, palette: string }} Thumbnails
 * @typedef {{ rows: number, columns: number, shade: string, title: string, group: number, options: { id: string, title: string }[], labels: HeadLabel[],
 *             palette: string, stops: Stop[] }} HeadGrid
 * @typedef {{ token: number, text: string, after: { token: number, text: string }[], chance: number,
 *             heads: { layer: number, head: number, here: number, model: number | null }[],
 *             passages: { token: number, text: string }[], curve: Curve }} Induction
 * @typedef {{ name: string, title: string, rows: number, columns: number, measured: { tokens: number, seeds: number } | null,
 *             palette: string, stops: Stop[] }} ModelHeads
 * @typedef {{ title: string, layer: number | null, rows: { title: string, count: number }[], columns: number, palette: string, stops: Stop[] }} AttentionClasses
 * @typedef {{ columns: string[], rows: (string | number | boolean | null)[][], about?: string }} Table about: what all of its numbers are
 * @typedef {{ id: number, text: string }} NamedToken
 * @typedef {{ token: number, target: number | string | null, versus: number | string | null }} WhyArgs ids, or texts of tokens; target null: the token itself
 * @typedef {WhyArgs & { both: boolean, whole_text: boolean, mean: boolean }} HeadsOff mean: mean ablation instead of zero ablation
 * @typedef {{ token: number, target: NamedToken, versus: NamedToken | null }} WhyNamed
 * @typedef {{ kind: 'attribution', position: number, targets: number[] } | { kind: 'untouched' } | ({ kind: 'head_outputs' } & HeadsRequest) | Variants} WhyMissing what must be computed first
 * @typedef {{ kind: string, layer: number | null, head: number | null, value: number }} Part
 * @typedef {{ logit: number, sum: number, softcap: number | null, parts: Part[], top: Part[], layers: number, columns: number, palette: string, stops: Stop[] }} Adds
 * @typedef {{ shade_palette: string, most: number, prefix: number | null, largest: { token: number, text: string, value: number }[] }} WhyShading
 * @typedef {NamedToken & { logprob: number }} NextToken
 * @typedef {{ why_not: null, missing: WhyMissing | null, target: NamedToken, versus: NamedToken | null, of_a: number, of_b: number, done: number, of: number,
 *             offered: { a: NextToken[], b: NextToken[] }, alignment: Alignment, layers: number, columns: number, begin: number, heads: boolean, token: number | null,
 *             palette: string, stops: Stop[], largest: { layer: number, token: number, value: number }[], top: { layer: number, head: number, value: number }[] }} PatchGrid
 *   see pyscripts/page/views/patch.py; columns: tokens or heads; token: where heads are copied, null: at every token
 * @typedef {{ a: NamedToken[], b: NamedToken[], origin: (number | null)[] }} Alignment the tokens of A and B, and for each of B which of A goes with it
 * @typedef {'start' | 'end' | 'both' | [a: number, b: number][] | null} Align see pyscripts/alignment.py
 * @typedef {{ tokens: number, missing: WhyMissing | null, most?: number, palette?: string, mean?: number | null, before?: number | null, after?: number | null,
 *             largest?: { token: number, text: string, value: number }[] }} Change
 * @typedef {{
 *   run: { args: {}, answer: Answer<Record<string, unknown>> },
 *   file: { args: { kind: string, colouring?: string, address?: string }, answer: Answer<{ type: string }, 'bytes'> },
 *   strip: { args: {}, answer: Answer<{ highest_nats: number }, 'surprisal_nats' | 'entropy_nats' | 'smooth_surprisal_nats'> },
 *   findings: { args: {}, answer: Answer<Findings> },
 *   next: { args: { count: number }, answer: Answer<{ rows: { id: number, text: string, probability: number }[], entropy: number | null }> },
 *   comparison: { args: {}, answer: Answer<{ a: Side, b: Side, compared: number, least: number, largest: { token: number, text: string, change: number }[] } | null, 'a_change' | 'a_logprob' | 'b_change' | 'b_logprob'> },
 *   attention: { args: { layer: number, head: number }, answer: Answer<{ rows: number, cols: number } | null, 'data'> },
 *   lens: { args: { token: number, topK: number, this_token?: boolean }, answer: Answer<LogitLens> },
 *   choice: { args: { token: number, count?: number, options?: GenerateOptions }, answer: Answer<Choice> },
 *   transformer_lab: { args: { token: number, temperature?: number, topP?: number },
 *     answer: Answer<{ token: number, predictions: { id: number, text: string, probability: number, logit: number | null }[], activations: number[], attention_entropy: number[], exact: boolean }> },
 *   speed: { args: { times: number[] }, answer: Answer<{ tokens: number, tokens_per_second: number | null, first_seconds: number | null, words: string }> },
 *   layers: { args: { token: number }, answer: Answer<{ token: number, rows: LayerRow[], busiest: string | null }> },
 *   layer_map: { args: { name: string }, answer: Answer<{ quantity: string, names: string[], columns: number, palette: string, stops: Stop[],
 *     missing: { position: number, done: number } | null }, 'values' | 'levels'> },
 *   dimensions: { args: { token: number, layer: number }, answer: Answer<HiddenState, 'values' | 'levels'> },
 *   focus: { args: { token: number }, answer: Answer<{ token: number, words: string | null, rows: number, columns: number,
 *     layers: { entropy: number, normalised: number | null, level: number, visible: number, sink: number | null, entropy_without_sink: number | null }[],
 *     palette: string, stops: Stop[] }, 'entropy' | 'normalised' | 'sink' | 'entropy_without_sink' | 'levels'> },
 *   word_classes: { args: {}, answer: Answer<{ rows: ActiveClassRow[], layers: number, fewest: number, palette: string, stops: Stop[] }, 'levels'> },
 *   looks: { args: { direction: string, heads: Heads, by: string, sink: boolean }, answer: Answer<Looks | Lacking, 'values' | 'levels' | 'most'> },
 *   looks_at: { args: { token: number, direction: string, heads: Heads, by: string, sink: boolean }, answer: Answer<LooksAt | Lacking, 'weights'> },
 *   head: { args: { layer: number, head: number, sink: boolean, mass: number, log: boolean },
 *     answer: Answer<OneHead | Lacking, 'values' | 'levels' | 'row_sums' | 'column_sums' | 'links' | 'link_weights' | 'link_levels'> },
 *   similar_heads: { args: { layer: number, head: number },
 *     answer: Answer<{ reduced: boolean, heads: { layer: number, head: number, correlation: number }[] } | Lacking> },
 *   thumbnails: { args: {}, answer: Answer<Thumbnails | Lacking, 'levels'> },
 *   head_grid: { args: { shade: string, token: number | null, ordered: boolean }, answer: Answer<HeadGrid | Lacking, 'values' | 'levels' | 'order'> },
 *   induction: { args: { token: number }, answer: Answer<Induction> },
 *   model_heads: { args: { name: string }, answer: Answer<ModelHeads, 'values' | 'levels'> },
 *   attention_classes: { args: { quantity: string, layer: number | null }, answer: Answer<AttentionClasses | Lacking, 'values' | 'levels'> },
 *   why: { args: WhyArgs, answer: Answer<WhyNamed & { actual: NamedToken, alternatives: (NamedToken & { logprob: number | null })[] }> },
 *   why_adds: { args: WhyArgs, answer: Answer<WhyNamed & Partial<Adds & WhyShading> & { missing?: WhyMissing | null }, 'values' | 'levels' | 'sources' | 'by_head' | 'shades'> },
 *   why_looks: { args: WhyArgs & { weighted: boolean }, answer: Answer<{ token: number, weighted: boolean } & Partial<WhyShading> & { missing?: WhyMissing | null }, 'sources' | 'shades'> },
 *   why_tokens: { args: WhyArgs & { both: boolean }, answer: Answer<WhyNamed & WhyShading & { missing: WhyMissing | null, names: string[] }, 'deltas' | 'shades'> },
 *   why_heads: { args: HeadsOff, answer: Answer<WhyNamed & { missing: WhyMissing | null, names: string[], layers: number, columns: number, few: number,
 *     palette: string, stops: Stop[], top: { layer: number, head: number, value: number }[] }, 'deltas' | 'levels'> },
 *   why_together: { args: HeadsOff, answer: Answer<{ token: number, missing: WhyMissing | null, heads?: { layer: number, head: number, value: number }[], sum?: number, together?: number, take_over?: boolean }> },
 *   head_mean: { args: { layer: number, head: number }, answer: Answer<{ missing: WhyMissing | null }, 'vector'> },
 *   why_context: { args: WhyArgs, answer: Answer<WhyNamed & { missing: WhyMissing | null, lengths: number[] }, 'logprobs'> },
 *   why_agreement: { args: WhyArgs, answer: Answer<{ token: number, missing: WhyMissing | null, done?: number, spans_agree?: number | null, heads_agree?: number | null,
 *     spans?: { text: string, start: number, stop: number, quick: number, slow: number }[], heads?: { layer: number, head: number, quick: number, slow: number }[] }> },
 *   patch: { args: { target: number | string | null, versus: number | string | null, align: Align, sweep: boolean, heads: boolean, token: number | null },
 *     answer: Answer<PatchGrid | { why_not: string, missing: null, alignment: Alignment | null }, 'deltas' | 'shares' | 'levels'> },
 *   steering: { args: { layer: number, mean: boolean }, answer: Answer<{ why_not: string | null, layer: number, norm: number | null, usual: number | null }, 'vector'> },
 *   list_steering: { args: { layer: number, mean: boolean }, answer: Answer<{ texts: number[], norm: number }, 'vector'> },
 *   change: { args: {}, answer: Answer<Change, 'deltas' | 'shades'> },
 *   table: { args: { view: string, args: object }, answer: Answer<Table> },
 *   csv: { args: { view: string, args: object }, answer: Answer<string> }
 * }} Views
 * @typedef {keyof Views} ViewName
 * @typedef {{ [id: string]: { view: ViewName, args: object } }} ViewRequests
 */

/**
 * @typedef {{ stage: string, loaded?: number, total?: number, rate?: number, left?: number }} Progress bytes, bytes a second, seconds
 * @typedef {(progress: Progress) => void} OnProgress
 * @typedef {'wasm' | 'webgpu'} Device
 * @typedef {'text' | 'changed' | 'batch'} TrialPass a text as a run reads it; its rest after a past, with every input changed; two rows
 * @typedef {{ same: boolean, output: string, difference: number | null, bar: number, logprob: number | null, processor: number, graphics: number,
 *             ratio: number, fast: boolean }} TrialVerdict see pyscripts/page/device_trial.py
 * @typedef {{ manifest: Manifest, vocabulary: string[], parts: Map<number, string>, threads: number, kept: boolean, created: number,
 *             device: Device, fallback: string | null }} LoadedModel `parts`: the bytes, as in “F0 9F”, of the tokens that are only part of
 *   a character; `created`: milliseconds the session took;
 *   `fallback`: why WebGPU was not used although it was chosen
 * @typedef {{ stopped: boolean, reused: number }} Outcome `stopped`: ended by Stop, with a complete run of what was read;
 *   `reused`: positions whose results were reused
 */

/**
 * inference/inference.worker.js, as main sees it: one worker for each model. Requests wait in its queue and are answered one at a time.
 * @typedef {{
 *   holdLock(): Promise<void>,
 *   connect(port: MessagePort): void,
 *   connectLab(calls: MessagePort, requests: MessagePort): Promise<void>,
 *   endLab(): void,
 *   load(id: string, proven: string | null, onProgress: OnProgress): Promise<LoadedModel>,
 *   run(request: RunRequest, onTokens: (tokens: TokenizedText) => void): Promise<Outcome>,
 *   inspect(runId: number, key: RunKey, position: number): Promise<void>,
 *   attention(runId: number, key: RunKey, layers: number[] | null): Promise<void>,
 *   lensFrom(runId: number, key: RunKey, position: number): Promise<void>,
 *   attribute(runId: number, key: RunKey, position: number, targets: number[]): Promise<void>,
 *   runVariants(runId: number, key: RunKey, batch: Variants): Promise<void>,
 *   readUntouched(runId: number, key: RunKey): Promise<void>,
 *   readHeads(runId: number, key: RunKey, request: HeadsRequest): Promise<void>,
 *   readLists(runId: number, request: ListRequest): Promise<void>,
 *   fillIn(request: FillInRequest, onProgress: (done: number, all: number) => void): Promise<Ranked[]>,
 *   trialKey(): Promise<{ key: string, adapter: string } | null>,
 *   deviceLost(): Promise<string | null>,
 *   startTrial(id: string): Promise<void>,
 *   runTrial(pass: TrialPass, device: Device): Promise<void>,
 *   timeTrial(): Promise<number>,
 *   stop(): void
 * }} InferenceApi
 *   `load` runs the model on the graphics card if `proven` is its key: of the trial that was passed. `startTrial` prepares a worker
 *   that is used for nothing else. `deviceLost` resolves when WebGPU has lost the graphics card, with the reason; null on the processor.
 *   `attention` of some layers, or of all (null) for a survey, goes to the analysis worker as it is computed, one array
 *   [head, query, key] for each layer.
 *   `lensFrom` runs as many positions through the logit lens, from one on, as fit into one pass.
 *   A run ends every earlier request; `stop` ends all, waiting ones included.
 */

/**
 * What a run says of the model that read it; `lens`: whether the model has a logit lens.
 * @typedef {{ id: string, name: string, weights: string | null, revision: string | null, layers: number, lens: boolean }} RunModel
 *
 * The run of a file, which is shown by showSaved; see open_saved in pyscripts/page/session.py.
 * `text` goes on after the tokens if its reading was stopped: a JSON file has only those that were read.
 * @typedef {{ tokens: TokenizedText, text: string, conditions: RunConditions, given: number, literal: boolean, model: RunModel,
 *             vocabulary: Record<number, string>, why_no_layers: string | null }} SavedRun
 */

/**
 * analysis/analysis.worker.js: the first group is called by main, the second by inference over a MessageChannel.
 * onUpdate returns how many ms the page took to draw the previous update.
 * @typedef {{
 *   holdLock(): Promise<void>,
 *   boot(onProgress: OnProgress): Promise<{ colourings: Colouring[], palettes: Record<string, Palette>, made_by: string }>,
 *   connect(port: MessagePort): void,
 *   connectLab(port: MessagePort): void,
 *   subscribe(onUpdate: (update: RunUpdate) => number): void,
 *   views(runId: number, requests: ViewRequests): Record<string, Answer<any, string> | { error: string }>,
 *   openSaved(data: Uint8Array, name: string): SavedRun,
 *   showSaved(runId: number): Promise<void>,
 *   pin(runId: number): void,
 *   colour(colouring: string, ofWords: boolean): Promise<void>,
 *   useModel(manifest: Manifest, vocabulary: string[], control: number[]): Promise<void>,
 *   begin(runId: number, request: { tokens: TokenizedText, options: AnalyzeOptions | GenerateOptions, conditions: RunConditions,
 *                                   keep: number, promptLength: number | null }): Promise<[number, number][] | null>,
 *   sample(runId: number, logits: Float32Array): number,
 *   extend(runId: number, chunks: ForwardChunk[], appended: AppendedToken[], last: boolean): Taken,
 *   lensRows(runId: number, position: number): PyArray | null,
 *   patchRows(runId: number, kind: string, position: number): PyArray,
 *   inspected(runId: number, position: number, logits: Float32Array, lensLogits: Float32Array | null, hiddenStates: Float32Array | null): void,
 *   beginAttention(runId: number, layers: number[] | null): number,
 *   addAttention(runId: number, count: number, parts: Float32Array[]): void,
 *   finishAttention(runId: number): void,
 *   attributed(runId: number, request: { position: number, targets: number[] }, outputs: Record<string, Float32Array>): void,
 *   variantsRead(runId: number, request: Variants, logits: Float32Array): void,
 *   readUntouched(runId: number, logits: Float32Array): void,
 *   readLens(runId: number, position: number, lensLogits: Float32Array, logits: Float32Array): void,
 *   beginLists(runId: number, layer: number, mean: boolean): void,
 *   addListed(runId: number, side: number, states: Float32Array): void,
 *   addHeadAttention(runId: number, of: string, first: number, count: number, parts: Float32Array[]): void,
 *   headValues(runId: number, of: string, parts: Float32Array[]): void,
 *   beginFillIn(model: string, logits: Float32Array, request: { candidates: number[][], right: number[], count: number, space: boolean | null }): number[][],
 *   scoreFillIn(first: number, count: number, logits: Float32Array): void,
 *   ranking(): Ranked[],
 *   beginTrial(manifest: Manifest): void,
 *   expectOutput(name: string, values: Float32Array, keys: number): void,
 *   compareOutput(name: string, values: Float32Array, keys: number): void,
 *   judgeTrial(times: { processor: number[], graphics: number[] }): TrialVerdict,
 *   finish(runId: number, timings: object): Promise<void>
 * }} AnalysisApi
 */

export {};
