// How a token's text is shown: whitespace made visible, parts of characters as bytes; pure, main thread.

/** @import {TokenizedText} from './protocol.js' */

const encoder = new TextEncoder();

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/**
 * Where characters, as a person sees them (grapheme clusters, so that 👩‍👧 is one), begin in a text's bytes.
 * @param {TokenizedText} tokens
 * @returns {Uint8Array | null} [byte + 1] 1 where one begins; null where the bytes of the tokens are not UTF-8
 */
function characterStarts({ text, bytes }) {
  const length = encoder.encode(text).length;
  if (length !== (bytes.at(-1)?.[1] ?? 0)) return null;
  const starts = new Uint8Array(length + 1).fill(/^[\0-\x7f]*$/.test(text) ? 1 : 0);
  starts[length] = 1;
  if (starts[0]) return starts;
  let at = 0;
  for (const { segment } of graphemes.segment(text)) {
    starts[at] = 1;
    at += encoder.encode(segment).length;
  }
  return starts;
}

/**
 * The text each token shows: a character belongs to the token that holds its first byte, so a token may show nothing.
 * @param {TokenizedText} tokens
 * @returns {string[]}
 */
export function shownTexts(tokens) {
  const starts = characterStarts(tokens);
  if (!starts) return tokens.texts;
  const utf8 = encoder.encode(tokens.text);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return tokens.bytes.map(([from, to]) => decoder.decode(utf8.subarray(starts.indexOf(1, from), starts.indexOf(1, to))));
}

/** Whether token i goes on with a character that the token before it began. @param {TokenizedText} tokens @returns {boolean[]} */
export function continuesCharacter(tokens) {
  const starts = characterStarts(tokens);
  return tokens.bytes.map(([from]) => starts !== null && !starts[from]);
}

/** Whitespace and control characters made visible, for labels and lists. @param {string} text */
export function visible(text) {
  return text
    .replaceAll(' ', '␣')
    .replaceAll('\n', '↵')
    .replaceAll('\r', '␍')
    .replaceAll('\t', '⇥')
    .replace(/[\u0000-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The bytes of a token as hexadecimal, e.g. “F0 9F”; “?” where the text is not UTF-8. @param {TokenizedText} tokens @param {number} index */
export function hexBytes({ text, bytes }, index) {
  const [start, end] = bytes[index];
  if (encoder.encode(text).length !== bytes.at(-1)?.[1]) return '?';
  return Array.from(encoder.encode(text).subarray(start, end), (byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ');
}
