// Surprisal and entropy in the unit the visitor chose; the numbers given are in nats; main thread.

import * as state from '../page/state.js';
import { fixed, short, signed } from './format.js';

/** "bits" or "nats". */
export const unit = () => state.settings.value.units;

/** @param {number} nats */
const converted = (nats) => (unit() === 'bits' ? nats / Math.LN2 : nats);

/** In the chosen unit. @template {number | null | undefined} T @param {T} nats @returns {T} */
export const inUnit = (nats) => /** @type {T} */ (typeof nats === 'number' ? converted(nats) : nats);

/** With its unit, for example "3.21 bits". @param {number | null} nats @param {number} [digits] */
export const amount = (nats, digits = 2) => `${fixed(inUnit(nats), digits)} ${unit()}`;

/** A change, in the chosen unit and with its sign. @param {number} nats */
export const change = (nats) => signed(inUnit(nats));

/** An end of an axis or of a scale, in the chosen unit. @param {number} nats */
export const unitEnd = (nats) => short(inUnit(nats));

/** A label of a legend that holds an amount, in the chosen unit. @param {string} label */
export const inWords = (label) =>
  label.replace(/(\d[\d.]*) (bits|nats)/, (same, value, own) => {
    if (own === unit()) return same;
    const nats = own === 'bits' ? value * Math.LN2 : Number(value);
    return `${Number(converted(nats).toPrecision(3))} ${unit()}`;
  });
