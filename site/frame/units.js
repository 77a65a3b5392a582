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

/** The labels of a legend, in the chosen unit. @param {import('../shared/protocol.js').Colours['legend']} legend */
export const labelsIn = ({ labels, in_units: inUnits }) => inUnits?.[unit()] ?? labels;
