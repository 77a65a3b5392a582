// How a token's text is shown: invisible characters made visible, parts of characters as bytes; pure, main thread.

/** @import {TokenizedText} from './protocol.js' */

/** A text as a textarea holds it. @param {string} text */
export const asInBox = (text) => text.replace(/\r\n?/g, '\n');

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/**
 * The bytes of all tokens, one after the other. Stored examples of models built before `hex` existed have only the text.
 * @param {TokenizedText} tokens
 */
function ownBytes({ text, hex }) {
  if (!hex.length) return new TextEncoder().encode(text);
  return Uint8Array.from(hex.flatMap((token) => (token ? token.split(' ') : [])), (byte) => parseInt(byte, 16));
}

/**
 * How many bytes one character of the decoded text represents. A decoder puts one U+FFFD for each longest stretch that could
 * begin a character: https://encoding.spec.whatwg.org/#utf-8-decoder, in Python and Rust as in browsers.
 * @param {Uint8Array} bytes @param {number} at where the character begins
 */
function characterLength(bytes, at) {
  const first = bytes[at];
  const length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 1;
  const least = { 0xe0: 0xa0, 0xf0: 0x90 }[first] ?? 0x80;
  const most = { 0xed: 0x9f, 0xf4: 0x8f }[first] ?? 0xbf;
  for (let i = 1; i < length; i++) {
    const byte = bytes[at + i];
    if (!(byte >= (i === 1 ? least : 0x80) && byte <= (i === 1 ? most : 0xbf))) return i;
  }
  return length;
}

/**
 * Where user-perceived characters (grapheme clusters, so that 👩‍👧 is one) begin in the tokens' bytes. A line feed is
 * always one by itself, even after a carriage return. Bytes that are not UTF-8 are characters of their own.
 * @param {string} text @param {Uint8Array} bytes that it was decoded from
 * @returns {Uint8Array} [byte + 1] 1 where one begins
 */
function characterStarts(text, bytes) {
  const starts = new Uint8Array(bytes.length + 1);
  starts[bytes.length] = 1;
  if (/^[\0-\x7f]*$/.test(text)) return starts.fill(1);
  let at = 0;
  for (const { segment } of graphemes.segment(text)) {
    starts[at] = 1;
    for (const character of segment) {
      if (character === '\n' || character === '\ufffd') starts[at] = 1;
      at += characterLength(bytes, at);
    }
  }
  return starts;
}

/**
 * The text each token shows: a character belongs to the token that holds its first byte, so a token may show nothing.
 * @param {TokenizedText} tokens
 * @returns {string[]}
 */
export function shownTexts(tokens) {
  const bytes = ownBytes(tokens);
  const starts = characterStarts(tokens.text, bytes);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return tokens.bytes.map(([from, to]) => decoder.decode(bytes.subarray(starts.indexOf(1, from), starts.indexOf(1, to))));
}

/** The text of the tokens from … to - 1, U+FFFD for the parts of characters at its ends. @param {TokenizedText} tokens @param {number} from @param {number} to */
export function textOf(tokens, from, to) {
  const spans = tokens.bytes.slice(from, to);
  if (!spans.length) return '';
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(ownBytes(tokens).subarray(spans[0][0], spans[spans.length - 1][1]));
}

/**
 * A longer text with tokens of its beginning replaced; null if parts of characters would be.
 * @param {string} all the text that the tokens begin @param {TokenizedText} tokens @param {{ from: number, to: number }} which `to` is
 *   not replaced itself @param {string} own what comes in their place
 */
export function replacedText(all, tokens, { from, to }, own) {
  const [before, upTo] = [textOf(tokens, 0, from), textOf(tokens, 0, to)];
  return all.startsWith(before) && all.startsWith(upTo) && !own.includes('\ufffd') ? before + own + all.slice(upTo.length) : null;
}

/** Whether token i continues a character that the previous token began. @param {TokenizedText} tokens @returns {boolean[]} */
export function continuesCharacter(tokens) {
  const starts = characterStarts(tokens.text, ownBytes(tokens));
  return tokens.bytes.map(([from]) => !starts[from]);
}

// Characters without a visible glyph: controls, format characters, every space but U+0020, line ends, fillers and variation
// selectors (which are Default_Ignorable_Code_Point), private-use and unassigned code points, and the blank ⠀.
const UNSEEN = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/u;
const PLAIN = /^[\n\r\t -~]*$/;
const NAMES = new Map([[' ', '␣'], ['\n', '↵'], ['\r', '␍'], ['\t', '⇥']]);

/**
 * Makes whitespace and other invisible characters visible, for labels and lists; an accent without a letter gets a dotted
 * circle. Joiners inside a visible character, as in 👩‍👧 or क्‍ष, stay as they are.
 * @param {string} text
 */
export function visible(text) {
  if (PLAIN.test(text)) return text.replace(/\s/g, (space) => /** @type {string} */ (NAMES.get(space))); // most tokens: a long text has a thousand
  return Array.from(graphemes.segment(text), ({ segment }) => {
    const characters = Array.from(segment);
    const emoji = characters.length > 1 && /\p{Emoji}/u.test(segment);
    const last = characters.findLastIndex((character) => !UNSEEN.test(character));
    const shown = characters.map((character, i) => (UNSEEN.test(character) && !(last >= 0 && (emoji || i < last) && i > 0) ? named(character) : character));
    return (/^\p{M}/u.test(shown[0]) ? '◌' : '') + shown.join('');
  }).join('');
}

const RIGHT_TO_LEFT = /^[^\p{L}]*[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/u;

/** Whether the first letter of a text belongs to a script written from right to left. @param {string} text */
export const isRightToLeft = (text) => RIGHT_TO_LEFT.test(text);

/** The beginning of a text, with … if it is longer than `most`; no half of a character of two code units is left. @param {string} text @param {number} most */
export const excerpt = (text, most) => (text.length > most ? `${text.slice(0, most).replace(/[\ud800-\udbff]$/, '')}…` : text);

/** A token's text for a label or a button: a dot if it shows nothing. @param {string} text */
export const labelOf = (text) => visible(text) || '·';

/** @param {string} character that cannot be seen */
function named(character) {
  const code = /** @type {number} */ (character.codePointAt(0));
  return NAMES.get(character) ?? (code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`);
}

/** The bytes of a token as hexadecimal, e.g. “F0 9F”. @param {TokenizedText} tokens @param {number} index */
export function hexBytes(tokens, index) {
  const [start, end] = tokens.bytes[index];
  return tokens.hex[index] ?? Array.from(ownBytes(tokens).subarray(start, end), (byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ');
}

/** What a token is called: its text, or its bytes if they are only part of a character. @param {TokenizedText} tokens @param {number} index */
export function tokenName(tokens, index) {
  const text = tokens.texts[index];
  return text.includes('\ufffd') ? `bytes ${hexBytes(tokens, index)}` : labelOf(text);
}
