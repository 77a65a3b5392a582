// What stands out in the text once it has been read, asked for all panels that list it; main thread.

import * as state from '../../page/state.js';
import { ask } from '../scheduler.js';

/** Surprises, word classes and repeated passages (pyscripts/page/views/whole_text.py). */
const asked = ask({ view: 'findings', needs: 'end', args: () => ({}), seen: () => state.lens.value === 'tokens' });

export const findings = asked.answer;
export const findingsCsv = asked.csv;
