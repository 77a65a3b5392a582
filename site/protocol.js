// The whole conversation between the page's three threads, as types; no code runs here.
// Calls go through Comlink, so a worker's API is an interface; large arrays are transferred flat, once.

/**
 * site/models/<id>/manifest.json, checked by inference/manifest.js.
 * @typedef {{
 *   schema: string, id: string, name: string, source: string, revision: string | null, license: string | null,
 *   architecture: string, parameters: number, weights: 'int8' | 'fp16' | 'fp32',
 *   layers: number, heads: number, kv_heads: number, head_size: number, hidden_size: number,
 *   vocab_size: number, context_length: number,
 *   bos: { id: number, text: string } | null, eos: number[],
 *   inputs: { input_ids: string, attention_mask: string, position_ids: string | null, past: [string, string][],
 *             head_mask?: string, attention_bias?: string, lens?: string },
 *   outputs: { logits: string, present: [string, string][], hidden_states: string[], attentions: string[],
 *              lens_logits?: string, attention_output?: string[], mlp_output?: string[] },
 *   decode?: { file: string, bytes: number, tensors: { name: string, at: number, shape: [number, number], axis: number, block: number,
 *              parts: Record<string, StoredPart> }[] },
 *   files: ModelFile[], sha256: string, fidelity?: Record<string, unknown>,
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
 *   `total` counts the tokens of the whole text; it is more than `ids.length` where the context cut it off.
 */

/**
 * A token that was just generated; `whole` is the text with it.
 * @typedef {{ id: number, text: string, bytes: [number, number], hex: string, control: boolean, whole: string }} AppendedToken
 */

/**
 * What a person may ask of a run. `topK` of analyze is the number of alternatives in the Run, that of generate a filter.
 * @typedef {{ topK?: number, bos?: boolean }} AnalyzeOptions
 * @typedef {{ maxTokens?: number, temperature?: number, topK?: number, topP?: number, minP?: number, repetitionPenalty?: number,
 *             frequencyPenalty?: number, seed?: number, greedy?: boolean, stop?: string[], bos?: boolean, given?: number }} GenerateOptions
 *   `given`: how many of the prompt's tokens were given; those after them count as generated, so a text can be continued
 *   or branched as if it had never been interrupted. `maxTokens` 0 only reads the prompt.
 */

/**
 * A blank between two contexts, given as texts or, to keep their cut, as token ids. Candidates: `words` are cut by the
 * tokenizer, `candidates` are ids, and the `count` most likely single tokens are added.
 * @typedef {{ left: string | number[], right: string | number[], words: string[], candidates: number[][], count: number }} FillInRequest
 * @typedef {{ ids: number[], text: string, logprob: number | null, right_logprob: number | null, probability: number, share: number }} Ranked
 *   see pyscripts/fill_in.py; the list begins with the best
 */

/**
 * One chunk of a forward pass, transferred from inference to analysis; key = all positions up to its last.
 * @typedef {{
 *   count: number,                          // queries
 *   logits: Float32Array,                   // [query, vocab]
 *   attentions: Float32Array[],             // layer × [head, query, key]
 *   hiddenStates: Float32Array[],           // layer+1 × [query, hidden]
 *   attentionOutput: Float32Array[] | null, // layer × [query, hidden] what attention added to the residual stream
 *   mlpOutput: Float32Array[] | null        // layer × [query, hidden] what the MLP added
 * }} ForwardChunk
 */

/**
 * An array from Python: flat, row-major.
 * @typedef {{ data: Float32Array | Int32Array | Float64Array, shape: number[] }} PyArray
 */

/**
 * What is new of a run, from analysis to main as it is read, but not too often; one row a shown token (BOS is not shown).
 * @typedef {{
 *   runId: number, first: number, count: number, appended: AppendedToken[],
 *   arrays: Record<string, PyArray>,
 *   colours: Colours, summary: Record<string, number | null>
 * }} RunUpdate
 *   `appended` are the tokens drawn since; `arrays` cover the `count` tokens read since, from `first` on; `colours` and `summary` cover every token so far,
 *   since the scale of the colours depends on all of them.
 * @typedef {{ background: string[], text: string[] }} ThemeColours CSS, one a token or a legend's stop
 * @typedef {{ light: ThemeColours, dark: ThemeColours,
 *             legend: { values: number[], labels: string[], light: ThemeColours, dark: ThemeColours, continuous: boolean } }} Colours
 */

/**
 * @typedef {{ stage: string, loaded?: number, total?: number, rate?: number, left?: number }} Progress bytes, bytes a second, seconds
 * @typedef {(progress: Progress) => void} OnProgress
 * @typedef {'wasm' | 'webgpu'} Device
 * @typedef {{ manifest: Manifest, vocabulary: string[], threads: number, kept: boolean, created: number,
 *             device: Device, fallback: string | null }} LoadedModel `created`: milliseconds the session took;
 *   `fallback`: why WebGPU was asked for and not used
 * @typedef {{ cancelled: boolean, reused: number }} Outcome `reused`: positions whose results were still there
 */

/**
 * workers/inference.worker.js, as main sees it. Requests are answered one at a time; a new run stops the one before.
 * @typedef {{
 *   holdLock(): Promise<void>,
 *   connect(port: MessagePort): void,
 *   load(id: string, device: Device, onProgress: OnProgress): Promise<LoadedModel>,
 *   cancelLoading(): void,
 *   analyze(request: { runId: number, text: string | number[], options: AnalyzeOptions },
 *           onTokens: (tokens: TokenizedText) => void): Promise<Outcome>,
 *   generate(request: { runId: number, prompt: string | number[], options: GenerateOptions },
 *            onTokens: (tokens: TokenizedText) => void): Promise<Outcome>,
 *   inspect(runId: number, token: number): Promise<void>,
 *   attention(runId: number, layer: number): Promise<void>,
 *   fillIn(request: FillInRequest, onProgress: (done: number, all: number) => void): Promise<Ranked[]>,
 *   cancel(): void
 * }} InferenceApi
 */

/**
 * workers/analysis.worker.js: the first group is called by main, the second by inference over a MessageChannel.
 * @typedef {{
 *   holdLock(): Promise<void>,
 *   boot(onProgress: OnProgress): Promise<void>,
 *   connect(port: MessagePort): void,
 *   subscribe(onUpdate: (update: RunUpdate) => void): void,
 *   view(runId: number, name: string, args: Record<string, unknown>): any,
 *   keep(runId: number): void,
 *   colourings(): { id: string, title: string, description: string }[],
 *   colours(runId: number, colouring: string): Colours | null,
 *   useModel(manifest: Manifest, vocabulary: string[]): Promise<void>,
 *   begin(runId: number, request: { tokens: TokenizedText, options: AnalyzeOptions | GenerateOptions, bos: boolean,
 *                                   keep: number, promptLength: number | null }): Promise<void>,
 *   sample(runId: number, logits: Float32Array): number,
 *   extend(runId: number, chunk: ForwardChunk, appended: AppendedToken | null): void,
 *   lensRows(runId: number, position: number): PyArray,
 *   inspected(runId: number, position: number, logits: Float32Array, lensLogits: Float32Array | null): void,
 *   holdAttention(runId: number, layer: number, parts: Float32Array[]): void,
 *   beginFillIn(logits: Float32Array, request: { candidates: number[][], right: number[], count: number, space: boolean | null }): number[][],
 *   scoreFillIn(first: number, count: number, logits: Float32Array): void,
 *   ranking(): Ranked[],
 *   finish(runId: number, timings: object): Promise<void>
 * }} AnalysisApi
 *   `view` names one of pyscripts/views.py; its result is that function's JSON.
 */

export {};
