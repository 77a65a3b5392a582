// What the Why lens is asked: the target, what it is compared with, the reading that shades the text, and the chosen head; main thread.

import { count } from '../../frame/format.js';
import { computeMissing } from '../../page/questions.js';
import * as state from '../../page/state.js';
import { hasHeadOutputs } from '../../shared/interventions.js';
import { computed, signal } from '../../vendor/signals-core.js';

/** @import {WhyArgs, WhyMissing} from '../../shared/protocol.js' */
/** @import {RunState} from '../../page/state.js' */

export const ID = 'why';

/** What was chosen for one token of one text: it does not outlive either. @typedef {{ about: string, target: string | number | null, versus: string | number | null }} Asked */
const asked = signal(/** @type {Asked} */ ({ about: '', target: null, versus: null }));

/** The token in question and its text before it: another one begins with its own question. */
const about = computed(() => {
  const { value: token } = state.current;
  const ids = state.run.value?.tokens.ids;
  return token === null || !ids ? '' : `${state.run.value?.conditions.model} ${ids.slice(0, token + 1).join()}`;
});

export const target = computed(() => (asked.value.about === about.value ? asked.value.target : null));
export const versus = computed(() => (asked.value.about === about.value ? asked.value.versus : null));

/** @param {Partial<Pick<Asked, 'target' | 'versus'>>} changes */
export const askFor = (changes) => void (asked.value = { target: target.value, versus: versus.value, ...changes, about: about.value });

/** Which reading shades the text. */
export const reading = signal(/** @type {'adds' | 'looks' | 'needs' | 'change'} */ ('adds'));
/** Whether attention is weighted by the size of what is moved and its alignment. */
export const weighted = signal(false);
/** Whether changes are of the difference between target and the other token. */
export const both = signal(false);
/** Whether heads are switched off in the whole text. */
export const wholeText = signal(false);
/** Whether a head that is off has its mean output in its place. */
export const meanAblation = signal(false);
/** The token whose quick answers are compared with slow ones, as `about`. */
export const checking = signal('');
export const isChecking = computed(() => checking.value !== '' && checking.value === about.value);
export const setChecking = (/** @type {boolean} */ on) => void (checking.value = on ? about.value : '');

/** The token whose most needed heads are switched off together, as `about`. */
export const together = signal('');
export const isTogether = computed(() => together.value !== '' && together.value === about.value);
export const setTogether = (/** @type {boolean} */ on) => void (together.value = on ? about.value : '');

/** The head that was pressed in a grid, and the sha256 of its model, which it does not outlive. */
const pressed = signal(/** @type {{ model: string | undefined, layer: number, head: number } | null} */ (null));
const sha256 = () => state.model.value?.manifest.sha256;

export const chosenHead = computed(() => (pressed.value?.model === sha256() ? pressed.value : null));

/** @param {number} layer @param {number} head */
export const chooseHead = (layer, head) => void (pressed.value = { model: sha256(), layer, head });

/** The question's arguments; null if the token has no prediction. @param {RunState} run @param {number} token @returns {WhyArgs | null} */
export function whyArgs(run, token) {
  if (run.kind === 'stored' || !state.hasPrediction(run, token) || lacksAttribution()) return null;
  return { token, target: target.value, versus: versus.value };
}

/** Whether the model was exported without what this lens takes. */
const lacksAttribution = () => !state.model.value?.manifest.outputs.direct;

/** Whether a head's output can be replaced neither by its mean nor by another text's. */
export const lacksHeadOutputs = () => state.model.value !== null && !hasHeadOutputs(state.model.value.manifest);

/** Why there is nothing to show; null if there is. */
export function missingWords() {
  if (lacksAttribution()) return 'This model was exported before attribution existed. Choose another, or build it again.';
  const [run, token] = [state.run.value, state.current.value];
  return run && token !== null && !state.hasPrediction(run, token) ? 'First token: no prediction, since the text was read without a prefix token.' : null;
}

/** What an answer still lacks. @param {{ json: object }} answer @returns {WhyMissing | null} */
export const lacks = ({ json }) => /** @type {{ missing?: WhyMissing | null }} */ (json).missing ?? null;

/** @param {RunState} run @param {WhyMissing} missing */
export const fetch = (run, missing) => computeMissing(run, missing);

/** How far a sweep is. @param {{ json: object }} answer */
export function progress(answer) {
  const missing = lacks(answer);
  return missing && 'first' in missing ? `Computing… ${count(missing.first)} of ${count(missing.of)}` : missing ? 'Computing…' : '';
}
