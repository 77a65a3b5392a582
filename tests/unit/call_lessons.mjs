// Calls the page's lesson code for the tests: JSON on stdin, a list of results on stdout; an error is {"error": its message}.
// Each call is [name, ...arguments] of site/lessons/schema.js or conditions.js.

import { readFileSync } from 'node:fs';
import * as conditions from '../../site/lessons/conditions.js';
import * as schema from '../../site/lessons/schema.js';

const functions = { ...schema, ...conditions };
const results = JSON.parse(readFileSync(0, 'utf8')).map(([name, ...given]) => {
  try {
    return name in functions && typeof functions[name] !== 'function' ? functions[name] : functions[name](...given);
  } catch (error) {
    return { error: error.message };
  }
});
process.stdout.write(JSON.stringify(results, (_, value) => value ?? null));
