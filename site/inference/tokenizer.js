// Text to token ids with byte offsets, and the bytes of every token; runs in the inference worker.

import { Tokenizer } from '../vendor/tokenizers.min.js';
import { parseJson } from '../shared/json_text.js';
import { damaged, ModelError } from '../shared/manifest.js';

/** @import {AppendedToken, Manifest, TokenizedText} from '../shared/protocol.js' */

const encoder = new TextEncoder();
const SPACE = encoder.encode(' ');
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * GPT-2's byte alphabet: printable characters stand for themselves, the other bytes for U+0100 and on.
 * Source: bytes_to_unicode in openai/gpt-2 src/encoder.py.
 * @returns {Map<string, number>} character → byte
 */
function byteAlphabet() {
  const alphabet = new Map();
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    alphabet.set(String.fromCharCode(printable ? byte : next++), byte);
  }
  return alphabet;
}

/**
 * How a tokenizer.json puts a space in front of a text: 'each' section between added tokens gets one, whatever it begins
 * with ("Prepend"; added tokens that are looked for in the normalized text take the space before them); each that does not begin
 * with a space ('bare'); or only the beginning of the whole text ('first').
 * @typedef {'each' | 'bare' | 'first' | null} PrefixSpace
 * @param {any} json
 * @returns {PrefixSpace}
 */
function prefixSpace(json) {
  if (steps(json.normalizer, 'normalizers').some((step) => step.type === 'Prepend')) return 'each';
  for (const { type, prepend_scheme, add_prefix_space } of steps(json.pre_tokenizer, 'pretokenizers')) {
    if (type === 'Metaspace' && prepend_scheme === 'first') return 'first';
    if (type === 'Metaspace' ? prepend_scheme !== 'never' : type === 'ByteLevel' && add_prefix_space) return 'bare';
  }
  return null;
}

/** A normalizer or pre-tokenizer as a list. @param {any} node @param {string} name of its list, if it is a Sequence @returns {any[]} */
const steps = (node, name) => (!node ? [] : node.type === 'Sequence' ? node[name].flatMap((/** @type {any} */ each) => steps(each, name)) : [node]);

/**
 * The same tokenizer for a text that continues another (no space in front), or one without control tokens.
 * @param {any} json tokenizer.json @param {EncodeOptions} options
 */
function variant(json, { literal, inside }) {
  const changed = { ...json };
  if (inside) {
    changed.normalizer = { type: 'Sequence', normalizers: steps(json.normalizer, 'normalizers').filter((step) => step.type !== 'Prepend') };
    const bare = steps(json.pre_tokenizer, 'pretokenizers').map((step) => (step.type === 'Metaspace' ? { ...step, prepend_scheme: 'never' } : step.type === 'ByteLevel' ? { ...step, add_prefix_space: false } : step));
    changed.pre_tokenizer = { type: 'Sequence', pretokenizers: bare };
  }
  if (literal) {
    const control = new Set(json.added_tokens.flatMap((/** @type {any} */ token) => (token.special ? [token.content] : [])));
    changed.added_tokens = json.added_tokens.filter((/** @type {any} */ token) => !token.special);
    // Unigram chooses among all its pieces, control tokens included: no text spells these names.
    if (json.model.type === 'Unigram') changed.model = { ...json.model, vocab: json.model.vocab.map((/** @type {[string, number]} */ [piece, score]) => [control.has(piece) ? `\0${piece}` : piece, score]) };
  }
  return changed;
}

/**
 * Lets NFC and the other forms change only the characters that the checkpoint's tokenizer knows them to change: browsers
 * may follow newer versions of Unicode. See normalized_characters in export/tokenizer/page_tokenizer.py.
 * @param {Tokenizer} tokenizer @param {string | undefined} characters the inside of a character class
 */
function withNormalizer(tokenizer, characters) {
  if (!characters) return tokenizer;
  const known = new RegExp(`[${characters.replaceAll('\\x{', '\\u{')}]+`, 'gu');
  /** @type {any} */
  const normalizer = tokenizer.normalizer;
  for (const each of [normalizer, ...(normalizer?.normalizers ?? [])]) {
    if (each?.form) each.normalize = (/** @type {string} */ text) => text.replace(known, (run) => run.normalize(each.form));
  }
  return tokenizer;
}

/**
 * @typedef {{ literal?: boolean, inside?: boolean }} EncodeOptions
 *   `literal`: control tokens in the text are read as the characters they are spelled with.
 *   `inside`: the text continues another, so SentencePiece puts no space in front of it.
 */

export class TextTokenizer {
  #json;
  #config;
  /** @type {Tokenizer[]} */
  #variants = []; // created when first needed
  #vocabSize;
  #alphabet = byteAlphabet();
  /** How the vocabulary spells its tokens: in the byte alphabet, with SentencePiece's ▁ for a space, or as they are. */
  #byteLevel;
  #sentencePiece;
  #byteFallback;
  #prefixSpace;
  /** @type {Map<number, { content: string, special: boolean, normalized: boolean }>} */
  #added;

  /** The text that tokens are being added to, and its bytes. @type {{ tokens: TokenizedText, bytes: Uint8Array } | null} */
  #grown = null;

  /**
   * @param {Map<string, Uint8Array>} files with tokenizer.json and, where the model has one, tokenizer_config.json
   * @param {number} vocabSize the model's; ids beyond it are refused
   */
  constructor(files, vocabSize) {
    this.#vocabSize = vocabSize;
    const read = (/** @type {string} */ name) => {
      try {
        return parseJson(decoder.decode(files.get(name)));
      } catch (error) {
        throw damaged(`${name} ${/** @type {SyntaxError} */ (error).message}`);
      }
    };
    const json = read('tokenizer.json');
    this.#config = files.has('tokenizer_config.json') ? read('tokenizer_config.json') : {};
    try {
      this.#json = json;
      const described = JSON.stringify([json.normalizer, json.pre_tokenizer, json.decoder]);
      this.#byteLevel = described.includes('"ByteLevel"');
      this.#sentencePiece = !this.#byteLevel && described.includes('▁');
      this.#byteFallback = json.model.byte_fallback === true;
      this.#prefixSpace = prefixSpace(json);
      this.#added = new Map((json.added_tokens ?? []).map((/** @type {any} */ { id, content, special, normalized }) =>
        [id, { content: String(content), special: special === true, normalized: normalized === true }]));
      if (!this.#ids('A few words, 12.', {}).length) throw new Error('it finds no token in a sentence');
    } catch (error) {
      if (error instanceof ModelError) throw error;
      throw damaged(`tokenizer.json is not usable (${error instanceof Error ? error.message : error})`);
    }
  }

  /** @param {EncodeOptions} options */
  #tokenizer({ literal = false, inside = false }) {
    const needed = { literal, inside: inside && this.#prefixSpace !== null };
    const key = Number(needed.literal) + 2 * Number(needed.inside);
    return (this.#variants[key] ??= withNormalizer(new Tokenizer(variant(this.#json, needed), this.#config), this.#config.normalized_characters));
  }

  /**
   * @param {string} text
   * @param {number} most tokens to keep; the context less the prefix token
   * @param {EncodeOptions} [options]
   * @returns {TokenizedText} `text` is what the kept tokens cover: tokenizers that normalise change it, a full context cuts it
   */
  encode(text, most, options = {}) {
    const all = this.#ids(text.toWellFormed(), options);
    return { ...this.describe(all.slice(0, most), options), total: all.length };
  }

  /** @param {string} text well-formed @param {EncodeOptions} options @returns {number[]} ids, each within the vocabulary */
  #ids(text, options) {
    /** @type {number[]} */
    const ids = this.#tokenizer(options).encode(text, { add_special_tokens: false }).ids;
    const wrong = ids.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= this.#vocabSize);
    if (wrong >= 0) throw damaged(`tokenizer.json gives the token id ${ids[wrong]}, but the model's end at ${this.#vocabSize - 1}`);
    return ids;
  }

  /**
   * @param {number[]} ids
   * @param {EncodeOptions} [options] `inside`: other ids precede these, which decides whether the first one's space belongs to it
   * @returns {TokenizedText}
   */
  describe(ids, { inside = false } = {}) {
    const pieces = this.#pieces(ids, inside);
    /** @type {[number, number][]} */
    const bytes = [];
    let offset = 0;
    for (const piece of pieces) bytes.push([offset, (offset += piece.length)]);
    return {
      text: decoder.decode(join(pieces)),
      ids: [...ids],
      texts: pieces.map((piece) => decoder.decode(piece)),
      bytes,
      total: ids.length,
      hex: pieces.map(hex),
      control: ids.map((id) => this.#isControl(id)),
    };
  }

  /**
   * Adds a generated token to a text.
   * @param {TokenizedText} tokens changed in place
   * @param {number} id
   * @returns {AppendedToken}
   */
  append(tokens, id) {
    tokens.ids.push(id);
    tokens.total++;
    const piece = /** @type {Uint8Array} */ (this.#pieces(tokens.ids.slice(-2), false).at(-1)); // the one before decides on its space
    const start = tokens.bytes.at(-1)?.[1] ?? 0;
    tokens.bytes.push([start, start + piece.length]);
    tokens.texts.push(decoder.decode(piece));
    tokens.hex.push(hex(piece));
    tokens.control.push(this.#isControl(id));
    const before = this.#grown?.tokens === tokens ? this.#grown.bytes : Uint8Array.from(tokens.hex.slice(0, -1).join(' ').match(/\S+/g) ?? [], (byte) => parseInt(byte, 16));
    this.#grown = { tokens, bytes: join([before, piece]) };
    tokens.text = decoder.decode(this.#grown.bytes);
    return { id, text: decoder.decode(piece), bytes: [start, start + piece.length], hex: hex(piece), control: this.#isControl(id), whole: tokens.text };
  }

  /** @param {number} id */
  #isControl(id) {
    return this.#added.get(id)?.special ?? false;
  }

  /** Whether what follows this token is read as the beginning of a text is. @param {number} id */
  #endsSection(id) {
    const added = this.#added.get(id);
    return added !== undefined && !(this.#prefixSpace === 'each' && added.normalized);
  }

  /**
   * The bytes that each id adds to a text. A space that the tokenizer puts in front is not part of the text and is left
   * out: otherwise it would be read as text the next time, and the tokenizer would add another.
   * @param {number[]} ids @param {boolean} inside whether other ids precede them
   */
  #pieces(ids, inside) {
    const pieces = ids.map((id) => this.bytes(id));
    return pieces.map((piece, i) => {
      const begins = i === 0 ? !inside : this.#prefixSpace !== 'first' && this.#endsSection(ids[i - 1]);
      if (this.#prefixSpace === 'each' && !inside && !begins && this.#added.get(ids[i])?.normalized) return join([SPACE, piece]);
      if (!this.#prefixSpace || !begins || piece[0] !== 0x20 || this.#added.has(ids[i])) return piece;
      // The user typed two spaces, or only spaces: before a space, only 'each' adds another.
      const next = piece.length > 1 ? piece[1] : this.#added.has(ids[i + 1]) ? undefined : pieces[i + 1]?.[0];
      return this.#prefixSpace === 'each' || (next !== undefined && next !== 0x20) ? piece.subarray(1) : piece;
    });
  }

  /**
   * @param {number} id
   * @returns {Uint8Array} what the token stands for in UTF-8; may be part of a character
   */
  bytes(id) {
    const added = this.#added.get(id);
    if (added && (added.special || !this.#sentencePiece)) return encoder.encode(added.content);
    const token = this.#tokenizer({}).id_to_token(id) ?? '';
    if (this.#byteLevel) {
      const bytes = Array.from(token, (character) => this.#alphabet.get(character));
      return bytes.includes(undefined) ? encoder.encode(token) : Uint8Array.from(/** @type {number[]} */ (bytes));
    }
    const byte = this.#byteFallback && /^<0x([0-9A-F]{2})>$/.exec(token);
    if (byte) return Uint8Array.of(parseInt(byte[1], 16));
    return encoder.encode(this.#sentencePiece ? token.replaceAll('▁', ' ') : token);
  }

  /** The ids of control tokens. @returns {number[]} */
  controlIds() {
    return [...this.#added].filter(([, token]) => token.special).map(([id]) => id);
  }

  /**
   * @param {Manifest} manifest
   * @returns {string[]} the text of every id; U+FFFD where a token is part of a character, '' for ids the tokenizer does not use
   */
  vocabulary({ vocab_size }) {
    return Array.from({ length: vocab_size }, (_, id) => decoder.decode(this.bytes(id)));
  }

  /** The bytes of the tokens that are only part of a character, by id, as in “F0 9F”. @param {string[]} vocabulary @returns {Map<number, string>} */
  parts(vocabulary) {
    return new Map(vocabulary.flatMap((text, id) => (text.includes('\ufffd') ? [/** @type {[number, string]} */ ([id, hex(this.bytes(id))])] : [])));
  }
}

/** Bytes as in “F0 9F A6”. @param {Uint8Array} bytes */
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ');

/** @param {Uint8Array[]} pieces */
function join(pieces) {
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    joined.set(piece, offset);
    offset += piece.length;
  }
  return joined;
}
