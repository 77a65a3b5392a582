// Text to token ids with byte offsets, and the bytes of every token; runs in the inference worker.

import { Tokenizer } from '../vendor/tokenizers.min.js';
import { ModelError } from '../shared/manifest.js';

/** @import {AppendedToken, Manifest, TokenizedText} from '../shared/protocol.js' */

const encoder = new TextEncoder();
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

/** Whether a tokenizer.json decodes with the byte alphabet (else: SentencePiece's ▁ and <0xNN>). */
function isByteLevel(/** @type {any} */ json) {
  return JSON.stringify([json.decoder, json.pre_tokenizer]).includes('"ByteLevel"');
}

export class TextTokenizer {
  #tokenizer;
  #byteLevel;
  #vocabSize;
  #alphabet = byteAlphabet();
  /** @type {Map<number, string>} */
  #added;

  /**
   * @param {Map<string, Uint8Array>} files with tokenizer.json and, where the model has one, tokenizer_config.json
   * @param {number} vocabSize the model's; ids beyond it are refused
   */
  constructor(files, vocabSize) {
    this.#vocabSize = vocabSize;
    const read = (/** @type {string} */ name) => {
      try {
        return JSON.parse(decoder.decode(files.get(name)));
      } catch {
        throw new ModelError(`${name} is not valid JSON: build the model again with python export/build.py.`);
      }
    };
    const json = read('tokenizer.json');
    const config = files.has('tokenizer_config.json') ? read('tokenizer_config.json') : {};
    try {
      this.#tokenizer = new Tokenizer(json, config);
      this.#byteLevel = isByteLevel(json);
      this.#added = new Map((json.added_tokens ?? []).map((/** @type {any} */ token) => [token.id, String(token.content)]));
      if (!this.#ids('A few words, 12.').length) throw new Error('it finds no token in a sentence');
    } catch (error) {
      if (error instanceof ModelError) throw error;
      throw new ModelError(`tokenizer.json is not usable (${error instanceof Error ? error.message : error}): build the model again.`);
    }
  }

  /**
   * @param {string} text
   * @param {number} most tokens to keep; the context less the BOS token
   * @returns {TokenizedText} `text` is what the kept tokens cover: tokenizers that normalise change it, a full context cuts it
   */
  encode(text, most) {
    const all = this.#ids(text.toWellFormed());
    return { ...this.describe(all.slice(0, most), !text.startsWith(' ')), total: all.length };
  }

  /** @param {string} text well-formed @returns {number[]} ids that the model has */
  #ids(text) {
    /** @type {number[]} */
    const ids = this.#tokenizer.encode(text, { add_special_tokens: false }).ids;
    const wrong = ids.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= this.#vocabSize);
    if (wrong >= 0) throw new ModelError(`tokenizer.json gives the token id ${ids[wrong]}, but the model's end at ${this.#vocabSize - 1}: build the model again.`);
    return ids;
  }

  /**
   * @param {number[]} ids
   * @param {boolean} [trim] leave out the space that SentencePiece puts in front of a text
   * @returns {TokenizedText}
   */
  describe(ids, trim = false) {
    const pieces = ids.map((id) => this.bytes(id));
    if (trim && pieces.length && !this.#byteLevel && pieces[0][0] === 0x20) pieces[0] = pieces[0].subarray(1);
    /** @type {[number, number][]} */
    const bytes = [];
    let offset = 0;
    for (const piece of pieces) bytes.push([offset, (offset += piece.length)]);
    return { text: decoder.decode(join(pieces)), ids: [...ids], texts: pieces.map((piece) => decoder.decode(piece)), bytes, total: ids.length };
  }

  /**
   * Adds a generated token to a text.
   * @param {TokenizedText} tokens changed in place
   * @param {number} id
   * @returns {AppendedToken}
   */
  append(tokens, id) {
    const piece = this.bytes(id);
    const start = tokens.bytes.at(-1)?.[1] ?? 0;
    tokens.ids.push(id);
    tokens.texts.push(decoder.decode(piece));
    tokens.bytes.push([start, start + piece.length]);
    tokens.total++;
    tokens.text = decoder.decode(join(tokens.ids.map((each) => this.bytes(each))));
    return { id, text: /** @type {string} */ (tokens.texts.at(-1)), bytes: [start, start + piece.length], whole: tokens.text };
  }

  /**
   * @param {number} id
   * @returns {Uint8Array} what the token stands for in UTF-8; may be part of a character
   */
  bytes(id) {
    const added = this.#added.get(id);
    if (added !== undefined) return encoder.encode(added);
    const token = this.#tokenizer.id_to_token(id) ?? '';
    if (this.#byteLevel) {
      const bytes = Array.from(token, (character) => this.#alphabet.get(character));
      return bytes.includes(undefined) ? encoder.encode(token) : Uint8Array.from(/** @type {number[]} */ (bytes));
    }
    const byte = /^<0x([0-9A-F]{2})>$/.exec(token);
    return byte ? Uint8Array.of(parseInt(byte[1], 16)) : encoder.encode(token.replaceAll('▁', ' '));
  }

  /**
   * @param {Manifest} manifest
   * @returns {string[]} the text of every id; U+FFFD where a token is part of a character, '' where the model has spare ids
   */
  vocabulary({ vocab_size }) {
    return Array.from({ length: vocab_size }, (_, id) => decoder.decode(this.bytes(id)));
  }
}

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
