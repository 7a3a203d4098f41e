/** How sentences of the page tell numbers, odds and names, in English. A translation replaces it with texts.js. */

import { told } from './names.js';

/** @param {number} count @param {string} one @param {string} many */
export const plural = (count, one, many) => (count === 1 ? one : many);

/** @param {string[]} names @returns {string} */
export const some = (names) => `${names.slice(0, 3).map(told).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`;

/** @param {number} share 0..1 @returns {string} a percentage that never rounds doubt away */
export function percent(share) {
  if (share > 0 && share < 0.005) return '<1%';
  if (share < 1 && share > 0.995) return '>99%';
  return `${Math.round(share * 100)}%`;
}

/** @param {number} milliseconds @returns {string} */
export function duration(milliseconds) {
  return milliseconds < 1000 ? `${Math.max(1, Math.round(milliseconds))} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** An interval wider than this, of a share, supports no single number. */
export const VAGUE = 0.3;

/** @param {number} accuracy 0..1 @returns {string} */
export function odds(accuracy) {
  if (accuracy >= 0.995) return 'nearly always';
  if (accuracy >= 0.95) return `about ${Math.round(accuracy * 100)} times in 100`;
  return `about ${Math.round(accuracy * 10)} times in 10`;
}

/** @param {string} sentence @returns {string} with a full stop, unless it ends with one, or with the ellipsis of a shortened name */
export const stopped = (sentence) => (/[.!?…]$/.test(sentence) ? sentence : `${sentence}.`);

/** @param {string} label @returns {string} that is never empty */
export const named = (label) => label || 'the unnamed class';

/** @param {string} label @returns {string} the same, short enough for a sentence */
export const toldClass = (label) => told(named(label));
