// Looks at: attention of the position that predicts the token, as it is or times the size and alignment of what is moved; main thread.

import { percent, shareEnd, signed } from '../../frame/format.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { checkView } from '../controls.js';
import { panel } from '../panel.js';
import { fetch, lacks, missingWords, weighted, whyArgs } from './choice.js';
import { largestChart } from './tokens.js';

/** @param {number} value a share, which may be negative */
const share = (value) => `${signed(100 * value, 1)}%`;

export const looks = panel({
  id: 'why_looks',
  view: 'why_looks',
  needs: 'token',
  args: (run, token) => {
    const args = whyArgs(run, token);
    return args && { ...args, weighted: weighted.value };
  },
  lacks,
  fetch,
  title: 'Looks at',
  missing: missingWords,
  controls: () => html`<span class="attention-controls">${checkView('Weight by contribution', weighted)}</span>`,
  lead: ({ json }) => {
    if (!json.largest) return 'Computing…';
    const prefix = json.prefix === null || json.prefix === undefined ? '' : ` Prefix token: ${json.weighted ? share(json.prefix) : percent(json.prefix)}.`;
    return html`${json.weighted ? 'Share of what attention added, by the token it came from, mean over layers.' : 'Attention, mean over all heads.'}${prefix}`;
  },
  charts: ({ json }) => (json.largest ? [largestChart(json.largest, json.weighted ? 'share of what attention added' : 'attention', json.weighted ? 'share' : 'weight', json.weighted ? share : percent, shareEnd)] : []),
});
