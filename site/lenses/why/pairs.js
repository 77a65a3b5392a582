// Two texts, one above the other, as columns of tokens that go together; pure, any thread.

/** @import {Alignment} from '../../shared/protocol.js' */
/** Tokens one above the other; null: none. @typedef {{ a: number | null, b: number | null }} Column */

/** The tokens of this text in order, those of A that go with none before the next that does. @param {Alignment} alignment @returns {Column[]} */
export function columnsOf({ a, origin }) {
  const paired = new Set(origin);
  const alone = a.flatMap((_, token) => (paired.has(token) ? [] : [{ a: token, b: null }]));
  const columns = origin.flatMap((one, b) => {
    const before = one === null ? 0 : alone.findIndex((column) => column.a > one);
    return [...(one === null ? [] : alone.splice(0, before < 0 ? alone.length : before)), { a: one, b }];
  });
  return [...columns, ...alone];
}
