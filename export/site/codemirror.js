// The parts of CodeMirror that the Python lens uses; codemirror.py bundles them into site/vendor/codemirror.js, whose types these lines are too.

export { acceptCompletion, autocompletion, CompletionContext, completionKeymap } from '@codemirror/autocomplete';
export { defaultKeymap, history, historyKeymap, indentWithTab, isolateHistory } from '@codemirror/commands';
export { python, pythonLanguage } from '@codemirror/lang-python';
export { bracketMatching, HighlightStyle, indentUnit, syntaxHighlighting } from '@codemirror/language';
export { EditorState, StateEffect, StateEffectType, StateField } from '@codemirror/state';
export { Decoration, drawSelection, EditorView, hoverTooltip, keymap, lineNumbers } from '@codemirror/view';
export { tags } from '@lezer/highlight';
