// The part of the state that a person would share, in the URL's hash: #model=…&text=…&view=…; main thread.

import * as state from './state.js';
import { effect } from './vendor/signals-core.js';

const MOST = 8000; // characters of text worth putting into an address

/** What the address asks for; broken encodings are read as far as they make sense. @returns {{ model: string | null, text: string | null, view: string | null }} */
export function readHash() {
  const asked = new URLSearchParams(location.hash.slice(1));
  return { model: asked.get('model'), text: asked.get('text'), view: asked.get('view') };
}

/** Keeps the address up to date after every run, without adding to the history. */
export function followHash() {
  effect(() => {
    const run = state.run.value;
    const model = state.model.value;
    if (!run?.done || !model) return;
    const hash = new URLSearchParams({ model: model.manifest.id, view: state.view.value });
    if (run.tokens.text.length <= MOST) hash.set('text', run.tokens.text);
    history.replaceState(null, '', `#${hash}`);
  });
}
