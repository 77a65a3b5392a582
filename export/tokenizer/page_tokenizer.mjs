// Runs the page's own tokenizer under Node for tokenizer_check.py: a request as JSON on stdin, the answer on stdout.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TextTokenizer } from '../../site/inference/tokenizer.js';

const { directory, vocab_size, texts, control } = JSON.parse(readFileSync(0, 'utf8'));
const files = new Map(['tokenizer.json', 'tokenizer_config.json'].map((name) => [name, readFileSync(join(directory, name))]));
try {
  const tokenizer = new TextTokenizer(files, vocab_size);
  /** @param {string} text @param {object} [options] */
  const read = (text, options) => {
    try {
      const { ids, text: shown, bytes } = tokenizer.encode(text, Infinity, options);
      return { ids, text: shown, ends: bytes.map(([, end]) => end) };
    } catch (error) {
      return { error: String(error) };
    }
  };
  const answer = {
    texts: texts.map((/** @type {string} */ text) => read(text)),
    literal: control.map((/** @type {string} */ text) => read(text, { literal: true })),
    vocabulary: Array.from({ length: vocab_size }, (_, id) => Buffer.from(tokenizer.bytes(id)).toString('hex')),
  };
  process.stdout.write(JSON.stringify(answer));
} catch (error) {
  process.stdout.write(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
}
