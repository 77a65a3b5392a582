// The code editor: CodeMirror in a shadow root, where its style sheets pass the Content-Security-Policy; main thread.

import { names } from '../../page/lab.js';
import {
  acceptCompletion, autocompletion, bracketMatching, completionKeymap, Decoration, defaultKeymap, drawSelection, EditorState, EditorView,
  HighlightStyle, history, historyKeymap, hoverTooltip, indentUnit, indentWithTab, isolateHistory, keymap, lineNumbers, python, pythonLanguage, StateEffect, StateField, syntaxHighlighting, tags,
} from '../../vendor/codemirror.js';

/** Lines of a traceback, the innermost last. @type {import('../../vendor/codemirror.js').StateEffectType<number[]>} */
const setMarked = StateEffect.define();

const marked = StateField.define({
  create: () => Decoration.none,
  update(marks, transaction) {
    if (transaction.docChanged) return Decoration.none;
    const set = transaction.effects.find((effect) => effect.is(setMarked));
    if (!set) return marks;
    const { doc } = transaction.state;
    const lines = [...new Set(/** @type {number[]} */ (set.value))].filter((line) => line >= 1 && line <= doc.lines).sort((a, b) => a - b);
    return Decoration.set(lines.map((line) => Decoration.line({ class: 'wrong-line' }).range(doc.line(line).from)));
  },
  provide: (field) => EditorView.decorations.from(field),
});

const theme = EditorView.theme({
  '&': { fontSize: 'var(--text-small)', color: 'var(--ink)', backgroundColor: 'var(--page)', border: '1px solid var(--line-strong)', borderRadius: 'var(--radius-small)' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-1px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.5', maxBlockSize: '46vh', overflow: 'auto' },
  '.cm-content': { caretColor: 'var(--ink)', paddingBlock: '8px' },
  '.cm-gutters': { color: 'var(--ink-soft)', backgroundColor: 'var(--soft)', border: 'none', borderRadius: 'var(--radius-small) 0 0 var(--radius-small)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'color-mix(in srgb, var(--accent) 24%, transparent)' },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--accent-soft)' },
  '.wrong-line': { backgroundColor: 'var(--wrong-panel)', boxShadow: 'inset 3px 0 var(--wrong)' },
  '.docs': { maxInlineSize: '44em', padding: '4px 8px', whiteSpace: 'pre-wrap', fontSize: 'var(--text-small)' },
  '.cm-completionInfo': { whiteSpace: 'pre-wrap' },
  '.cm-tooltip': { backgroundColor: 'var(--panel)', color: 'var(--ink)', border: '1px solid var(--line-strong)', borderRadius: 'var(--radius-small)' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--accent-ink)' },
});

const highlighting = HighlightStyle.define([
  { tag: tags.comment, color: 'var(--ink-soft)', fontStyle: 'italic' },
  { tag: [tags.keyword, tags.operatorKeyword, tags.definitionKeyword, tags.controlKeyword, tags.moduleKeyword], color: 'var(--accent)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'light-dark(#1a6b3c, #8fd3a8)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--second)' },
  { tag: [tags.definition(tags.function(tags.variableName)), tags.definition(tags.className)], fontWeight: '600' },
]);

/** The description of a name after `run.` or `model.`, or of a metric. @param {string} before what stands before the name */
const offered = (before) => names.value[/metric\(["']$/.test(before) ? 'metric' : before.endsWith('model.') ? 'model' : 'run'];

/** @param {import('../../vendor/codemirror.js').CompletionContext} context */
function complete(context) {
  const found = context.matchBefore(/(\b(run|model)\.|\bmetric\(["'])\w*/);
  if (!found) return null;
  const [, before] = /** @type {RegExpMatchArray} */ (found.text.match(/^(.*[."'])\w*$/));
  const options = offered(before).map(({ name, sign, doc }) => ({ label: name, detail: sign, info: doc, type: sign ? 'method' : 'property' }));
  return { from: found.from + before.length, options, validFor: /^\w*$/ };
}

const docs = hoverTooltip((view, position) => {
  const { from, text } = view.state.doc.lineAt(position);
  for (const match of text.matchAll(/(?<=(\b(?:run|model)\.|\bmetric\(["']))\w+/g)) {
    const start = from + (match.index ?? 0);
    const entry = position >= start && position <= start + match[0].length ? offered(match[1]).find(({ name }) => name === match[0]) : undefined;
    if (!entry) continue;
    return { pos: start, create: () => ({ dom: Object.assign(document.createElement('div'), { className: 'docs', textContent: `${entry.name}${entry.sign}\n${entry.doc}` }) }) };
  }
  return null;
});

/**
 * @param {HTMLElement} host where the editor's shadow root goes
 * @param {{ code: string, onChange: (code: string) => void, onRun: () => void, onFocus: () => void }} how
 */
export function createEditor(host, { code, onChange, onRun, onFocus }) {
  const root = host.attachShadow({ mode: 'open' });
  const run = { key: 'Mod-Enter', run: () => (onRun(), true), preventDefault: true, stopPropagation: true };
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: code,
      extensions: [
        lineNumbers(), history(), drawSelection(), bracketMatching(), python(), indentUnit.of('    '), EditorState.tabSize.of(4),
        autocompletion({ icons: false }), pythonLanguage.data.of({ autocomplete: complete }), docs, syntaxHighlighting(highlighting), marked, theme,
        keymap.of([run, { key: 'Tab', run: acceptCompletion }, ...completionKeymap, ...defaultKeymap, ...historyKeymap, indentWithTab]),
        EditorView.contentAttributes.of({ 'aria-label': 'Python code', 'aria-describedby': 'keys', translate: 'no', autocapitalize: 'off', spellcheck: 'false' }),
        EditorView.domEventHandlers({ focus: onFocus }),
        EditorView.updateListener.of(({ docChanged, state }) => void (docChanged && onChange(state.doc.toString()))),
      ],
    }),
  });
  const keys = document.createElement('p'); // in the shadow root, where aria-describedby can name it
  [keys.id, keys.textContent] = ['keys', 'Esc, then Tab: leave the editor'];
  keys.part.add('keys');
  root.append(keys);
  host.addEventListener('keydown', (event) => event.stopPropagation()); // “?” and other keys of the page are typed here
  return {
    /** Replaces all of the code; undo brings the previous back. @param {string} to */
    set: (to) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: to }, selection: { anchor: 0 }, scrollIntoView: true, annotations: isolateHistory.of('full') }),
    /** Marks lines, numbered from 1. @param {number[]} lines */
    mark(lines) {
      view.dispatch({ effects: setMarked.of(lines) });
      const last = lines.at(-1);
      if (last && last <= view.state.doc.lines) view.dispatch({ effects: EditorView.scrollIntoView(view.state.doc.line(last).from) });
    },
  };
}
