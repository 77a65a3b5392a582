// Wires the page together: state from the URL, the views, the workers; main thread.

import './language.js';
import * as actions from './actions.js';
import { installApi } from './api.js';
import { readHash, followHash } from './hash.js';
import { settle } from './offline.js';
import { keepPreferences } from './preferences.js';
import * as state from './state.js';
import { effect } from './vendor/signals-core.js';
import { consentView } from './views/consent.js';
import { headerView } from './views/header.js';
import { mountActivations } from './views/activations/index.js';
import { mountLikelihood } from './views/likelihood/index.js';
import { mount } from './views/mount.js';
import { noticeView } from './views/notice.js';
import { storageView, updateView } from './views/storage.js';
import { tabsView } from './views/tabs.js';

keepPreferences();
const asked = readHash();
actions.setText(asked.text ?? '');
actions.setView(asked.view);

effect(() => {
  document.documentElement.dataset.state = state.phase.value;
});
mount('header', headerView);
mount('tabs', tabsView);
mount('notice', noticeView);
mount('consent-notice', consentView);
mount('update', updateView);
mount('storage', storageView);
for (const id of state.VIEWS) effect(() => void (/** @type {HTMLElement} */ (document.getElementById(id)).hidden = state.view.value !== id));
mountLikelihood(asked);
mountActivations(/** @type {HTMLElement} */ (document.getElementById('activations')));
followHash();
installApi(settle().then(() => actions.boot(asked.model)));
