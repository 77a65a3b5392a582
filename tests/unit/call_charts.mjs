// Calls the pure functions of site/charts for the tests: JSON [module, name, ...arguments] on stdin, the result on stdout.
// {"nan": [1, null]} is a Float64Array with NaN for null; numbers on axes are written as they are.

import { readFileSync } from 'node:fs';

const revive = (_, value) => {
  if (value?.nan) return Float64Array.from(value.nan, (each) => each ?? NaN);
  return value?.kind === 'bars' ? { ...value, axis: String } : value;
};
const [module, name, ...given] = JSON.parse(readFileSync(0, 'utf8'), revive);
const { [name]: call } = await import(`../../site/charts/${module}.js`);
const measure = (text, size) => (text.length * size) / 2;
const means = { css: (colour) => (typeof colour === 'string' ? colour : colour[0]), fitted: ({ text }) => text, ground: 'white' };
const extra = { colouredTextScene: [measure], arcsScene: [measure], svgOf: [means] }[name] ?? [];
process.stdout.write(JSON.stringify(call(...given, ...extra)));
