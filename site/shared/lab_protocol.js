// What the lab, the fourth thread, says to the other three, as types; no code runs here. See protocol.js.

/** @import {OwnMetric} from '../page/state.js' */
/** @import {AnalysisApi, Answer, Colours, HeadsRequest, Interventions, OnProgress, PyArray, RunRequest, Stop, Table, Variants} from './protocol.js' */

/**
 * What a user's code gave (pyscripts/lab/values.py).
 * @typedef {{ kind: 'nothing' }} NoValue
 * @typedef {{ kind: 'colours', colours: Colours, text: string, values: (number | string | null)[] }} ColoursValue
 * @typedef {{ kind: 'heatmap', rows: number, columns: number, row_names: string[] | null, column_names: string[] | null, palette: string, stops: Stop[] }} HeatmapValue
 * @typedef {{ kind: 'table', length: number } & Table} TableValue
 * @typedef {{ kind: 'picture', svg: string, title: string }} PictureValue
 * @typedef {{ kind: 'text', text: string }} TextValue
 * @typedef {{ kind: 'error', error: string, lines: number[], stopped: boolean, out_of_memory: boolean }} CodeError
 * @typedef {NoValue | ColoursValue | HeatmapValue | TableValue | PictureValue | TextValue | CodeError} Value
 * @typedef {{ json: Value, arrays: Partial<Record<'values' | 'levels', PyArray>>, metrics: OwnMetric[] }} CodeAnswer arrays: of a heatmap,
 *   [row, column]; metrics: all that users' code has registered, with their colours for the run it is about
 */

/** What the editor completes (pyscripts/page/lab_names.py). @typedef {Record<'run' | 'model' | 'metric', { name: string, sign: string, doc: string }[]>} Names */

/**
 * lab/lab.worker.js, as main sees it.
 * @typedef {{
 *   holdLock(): Promise<void>,
 *   boot(interrupt: Uint8Array | null, onProgress: OnProgress): Promise<Names>,
 *   connect(analysis: MessagePort, calls: MessagePort, requests: MessagePort): void,
 *   execute(source: string, runId: number | null, whyNoRun: string, onPrint: (text: string) => void): Promise<CodeAnswer>,
 *   csv(): string,
 *   cancel(): void
 * }} LabApi
 *   csv: of what the last code gave, if that has rows; `interrupt`: shared memory whose first byte interrupts Python; `cancel` ends code that waits for the model
 */

/**
 * The lab, as inference calls it.
 * @typedef {Pick<AnalysisApi, 'useModel' | 'begin' | 'sample' | 'extend' | 'finish' | 'lensRows' | 'inspected' | 'attributed' | 'variantsRead' | 'addHeadAttention' | 'headValues'>} LabCalls
 */

/**
 * Inference, as the lab calls it: a run without the graph's other outputs, and passes at the last of some ids (positions, the
 * prefix token's included): the lens, what each part added, variants; and what the heads give at all of them.
 * @typedef {{ runId: number, ids: number[], interventions: Interventions }} Ids
 * @typedef {{
 *   run(request: RunRequest & { outputs: string[] }): Promise<void>,
 *   inspect(request: Ids): Promise<void>,
 *   attribute(request: Ids & { targets: number[] }): Promise<void>,
 *   runVariants(request: Ids & { batch: Variants }): Promise<void>,
 *   readHeads(request: HeadsRequest & { runId: number }): Promise<void>
 * }} InferenceForLab
 */

/**
 * The analysis worker, as the lab calls it: the page's run, with its two large arrays only if they are wanted (Session.hand_over).
 * @typedef {{ handOver(runId: number, hiddenStates: boolean, attentions: boolean): Answer<{ dtypes: Record<string, string> }, string> }} AnalysisForLab
 */

export {};
