// Calls the page's tokenizer and site/shared/token_text.js for the tests: JSON on stdin, a list of results on stdout.
// Each call is [name, ...arguments]; the argument {"result": i} stands for the result of call i.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TextTokenizer } from '../../site/inference/tokenizer.js';
import * as tokenText from '../../site/shared/token_text.js';

const { directory, vocab_size, calls } = JSON.parse(readFileSync(0, 'utf8'));
const names = ['tokenizer.json', 'tokenizer_config.json'];
const tokenizer = directory && new TextTokenizer(new Map(names.map((name) => [name, readFileSync(join(directory, name))])), vocab_size);
const results = [];
for (const [name, ...given] of calls) {
  const values = given.map((value) => (value && typeof value === 'object' && 'result' in value ? results[value.result] : value));
  if (name === 'append') {
    const tokens = structuredClone(values[0]);
    results.push({ tokens, appended: values[1].map((id) => tokenizer.append(tokens, id)) });
  } else if (name in tokenText) results.push(tokenText[name](...values));
  else results.push(tokenizer[name](...values));
}
process.stdout.write(JSON.stringify(results));
