// The buttons under the text: read it, continue it, stop, undo and redo; main thread.

import { byId } from '../frame/mount.js';
import { continueText, newSample, readText, redo, undo } from '../page/edits.js';
import { stop } from '../page/runs.js';
import * as state from '../page/state.js';
import { redoTarget, undoTarget } from '../page/versions.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { samplingView } from './sampling.js';
import { keptTokens } from './span.js';

export function actionsView() {
  const ready = state.canRun.value;
  const running = state.isRunning.value;
  const { text } = state;
  const run = state.run.value;
  return html`
    <button type="button" id="run" class="primary" aria-keyshortcuts="Control+Enter Meta+Enter" title="Ctrl + Enter" ?disabled=${!ready} @click=${readText}>Run</button>
    <span class="joined">
      <button type="button" id="continue" ?disabled=${!ready || !text.value} title="Let the model continue the text" @click=${continueText}>Continue</button>${samplingView()}
    </span>
    <button type="button" id="new-sample" title="Generate again with another seed" ?disabled=${!ready || running || state.current.value === null || state.settings.value.sampling.greedy} @click=${newSample}>New sample</button>
    <button type="button" id="stop" data-next="run" ?disabled=${!running} @click=${stop}>Stop</button>
    <span class="pair">
      <button type="button" class="icon" id="undo" ?disabled=${!undoTarget.value} @click=${undo} aria-label="Undo" title="Undo">↶</button>
      <button type="button" class="icon" id="redo" ?disabled=${!redoTarget.value} @click=${redo} aria-label="Redo" title="Redo">↷</button>
    </span>
    <button type="button" id="edit" class="touch-only" @click=${() => byId('text').focus()}>Edit</button>
    ${ready && !running && run && text.value && !state.isRead.value ? html`<span class="hint" id="changed">${keptTokens(run.tokens, text.value) ? 'Changed since it was read' : 'Not read yet'}</span>` : nothing}
  `;
}
