/** Finds images given more than once: to several classes, which no classifier can tell apart, or to one, which learns nothing from it. */

import { texts } from './texts.js';

/** @typedef {import('./api.js').KeptExample} KeptExample */

/**
 * @param {KeptExample[]} examples of one task
 * @returns {string} which image is in several classes; empty where none is
 */
export function sharedImages(examples) {
  const shared = groups(examples, (one) => one.sha256).map(oneOfEachClass).filter((places) => places.length > 1);
  if (!shared.length) return '';
  const places = shared[0].map(({ filename, label }) => texts.imageIn(filename, label));
  return texts.sharedImages(shared.length, places);
}

/**
 * @param {KeptExample[]} examples of one task
 * @returns {string} which image is in one class more than once; empty where none is
 */
export function repeatedImages(examples) {
  const repeated = groups(examples, ({ sha256, label }) => JSON.stringify([sha256, label])).filter((same) => same.length > 1);
  if (!repeated.length) return '';
  return texts.repeatedImages(repeated.length, repeated[0].map((one) => one.filename), repeated[0][0].label);
}

/** @param {KeptExample[]} same @returns {KeptExample[]} */
const oneOfEachClass = (same) => groups(same, (one) => one.label).map((ofOne) => ofOne[ofOne.length - 1]);

/**
 * @param {KeptExample[]} examples
 * @param {(example: KeptExample) => string} keyOf
 * @returns {KeptExample[][]} those of one key together
 */
function groups(examples, keyOf) {
  /** @type {Map<string, KeptExample[]>} */
  const found = new Map();
  for (const example of examples) {
    const same = found.get(keyOf(example));
    if (same) same.push(example);
    else found.set(keyOf(example), [example]);
  }
  return [...found.values()];
}
