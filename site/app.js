// Wires the page together: what the address and the last visit ask for, the text, the lenses, the workers; main thread.

import './page/language.js';
import { announce } from './frame/announcer.js';
import { consentView } from './frame/consent.js';
import { headerView } from './frame/header.js';
import { followHelpKey } from './frame/help.js';
import { byId, element, mount } from './frame/mount.js';
import { noticeView } from './frame/notice.js';
import { storageView, updateView } from './frame/storage.js';
import { panelId, tabsView } from './frame/tabs.js';
import { lenses } from './lenses/index.js';
import { followQuestions } from './lenses/scheduler.js';
import { followAddress, readHash } from './page/address.js';
import { installApi } from './page/api.js';
import { keepDraft, restoreDraft } from './page/draft.js';
import { offerLenses, select, setLens } from './page/choices.js';
import { hold, offer, put, readAgain } from './page/edits.js';
import { setFromLink } from './page/interventions.js';
import { boot } from './page/models.js';
import { watch } from './page/notices.js';
import { settle } from './page/offline.js';
import { keepPreferences } from './page/preferences.js';
import { onUpdate } from './page/runs.js';
import * as state from './page/state.js';
import { commit } from './page/versions.js';
import { mountText } from './text/index.js';
import { showFirst } from './text/precomputed.js';

keepPreferences();
const asked = readHash();
const draft = restoreDraft();
offerLenses(lenses.map(({ id }) => id));
setLens(asked.lens);

watch('phase', () => {
  document.documentElement.dataset.state = state.phase.value;
});
mount('header', headerView);
mount('notice', noticeView);
mount('consent-notice', consentView);
mount('update', updateView);
mount('storage', storageView);
mount('tabs', tabsView);
mountText();
for (const lens of lenses) {
  const panel = element('div', 'stack', panelId(lens.id));
  panel.setAttribute('role', 'tabpanel');
  panel.setAttribute('aria-labelledby', `tab-${lens.id}`);
  byId('lenses').append(panel);
  lens.mount(panel);
  watch(`lens ${lens.id}`, () => void (panel.hidden = state.lens.value !== lens.id));
}
followQuestions();
announce();
followHelpKey();

// A text in the address waits in the box until the visitor asks for it; one that was shown before a reload is read again.
if (draft && (asked.text === null || draft.newer || draft.text === asked.text)) {
  if (draft.read) offer(draft.text, true, draft.literal);
  else hold(draft.text);
} else if (asked.text !== null) {
  if (draft?.text) hold(draft.text), commit(); // an unsaved text is not lost: undo brings it back
  if (asked.literal) put(asked.text, { literal: true });
  else hold(asked.text);
} else void showFirst(asked.model);

setFromLink(asked.interventions);
state.tokenToPin.value = draft?.newer ? draft.token : asked.token;
if (state.tokenToPin.value !== null) {
  const end = watch('token to pin', () => {
    const { value: token } = state.tokenToPin;
    if (!state.count.value || token === null || state.run.value?.stored) return;
    if (token < state.count.value) select({ pinned: token });
    if (!state.run.value?.done && token >= state.count.value) return;
    queueMicrotask(() => {
      end();
      state.tokenToPin.value = null;
    });
  });
}

keepDraft();
followAddress();
installApi();
void settle().then(() => boot(asked.model, { onUpdate, onSwitch: readAgain }));
