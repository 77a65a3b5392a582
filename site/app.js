// Wires the page together: what the address and the last visit ask for, the text, then the lenses and the workers; main thread.

import './page/language.js';
import { announce } from './frame/announcer.js';
import { consentView } from './frame/consent.js';
import { headerView } from './frame/header.js';
import { offerView } from './frame/graphics.js';
import { keepFocus } from './frame/focus.js';
import { followHelpKey } from './frame/help.js';
import { byId, element, mount } from './frame/mount.js';
import { noticeView } from './frame/notice.js';
import { followSheets } from './frame/sheets.js';
import { storageView, updateView } from './frame/storage.js';
import { followAddress, readHash } from './page/address.js';
import { installApi } from './page/api.js';
import { keepDraft, restoreDraft } from './page/draft.js';
import { offerLenses, setLens } from './page/choices.js';
import { hold, offer, put, readAgain } from './page/edits.js';
import { setFromLink } from './page/interventions.js';
import { boot } from './page/models.js';
import { say, watch } from './page/notices.js';
import { settle } from './page/offline.js';
import { keepPreferences, takeLinkedSettings } from './page/preferences.js';
import { onUpdate } from './page/runs.js';
import * as state from './page/state.js';
import { followTokenToPin, pinOnceRead } from './page/token_to_pin.js';
import { commit } from './page/versions.js';
import { mountText } from './text/index.js';
import { showFirst } from './text/precomputed.js';

keepPreferences();
const asked = readHash();
const draft = restoreDraft();

watch('phase', () => {
  document.documentElement.dataset.state = state.phase.value;
});
mount('header', headerView);
mount('notice', noticeView);
mount('consent-notice', consentView);
mount('update', updateView);
mount('offer', offerView);
mount('storage', storageView);
mountText();
announce();
followHelpKey();
keepFocus();

/** Until the first look is drawn, nothing competes with it. */
let shown = Promise.resolve();

// A text in the address waits in the box until the visitor asks for it; one that was shown before a reload is read again.
if (draft && (asked.text === null || draft.newer || draft.text === asked.text)) {
  if (draft.read) offer(draft.text, true, draft.literal);
  else hold(draft.text);
} else if (asked.text !== null) {
  if (draft?.text) hold(draft.text), commit(); // an unsaved text is not lost: undo brings it back
  if (asked.literal) put(asked.text, { literal: true });
  else hold(asked.text);
} else if (asked.lesson === null) shown = showFirst();

const wrong = [setFromLink(asked.interventions), asked.settings === null ? '' : takeLinkedSettings(asked.settings)].filter(Boolean).join(' ');
if (wrong) say(wrong, true);
const [token, its] = draft?.newer ? [draft.token, draft.text] : [asked.token, asked.text]; // without a text, it is of the page's own
if (token !== null) pinOnceRead(token, its);
followTokenToPin();

keepDraft();
installApi();
const settled = settle();
mountCharts().catch(async (error) => {
  console.error(error);
  await settled; // the reload that isolates the page cuts off imports
  const sentence = 'A part of the page could not be loaded. Check the connection, then reload the page.';
  if (!state.model.value) state.failure.value = sentence;
  say(sentence, true);
});

/** The strip and the lenses are not needed for the first look at the text: their modules come after it. */
async function mountCharts() {
  await shown;
  const [{ mountAlong }, { lenses }, { panelId, tabsView }, { followQuestions }, { mountLessons }] = await Promise.all([
    import('./text/along.js'),
    import('./lenses/index.js'),
    import('./frame/tabs.js'),
    import('./lenses/scheduler.js'),
    import('./lessons/index.js'),
  ]);
  mountAlong(byId('along'));
  offerLenses(lenses.map(({ id }) => id));
  setLens(asked.lens);
  for (const lens of lenses) {
    const panel = element('div', 'stack', panelId(lens.id));
    panel.setAttribute('role', 'tabpanel');
    panel.setAttribute('aria-labelledby', `tab-${lens.id}`);
    byId('lenses').append(panel);
    lens.mount(panel);
    watch(`lens ${lens.id}`, () => void (panel.hidden = state.lens.value !== lens.id));
  }
  mount('tabs', tabsView);
  followQuestions();
  followSheets();
  mountLessons(asked.lesson, { step: asked.step, lens: asked.lens, token, again: Boolean(draft?.newer) });
  followAddress();
  await settled;
  await boot(asked.model, { onUpdate, onSwitch: readAgain });
  (await import('./page/device_trial.js')).followGraphics();
}
