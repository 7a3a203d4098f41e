/** Finds images given to more than one class: no classifier can tell these apart, and the estimate does not show it. */

import { texts } from './texts.js';

/** @typedef {import('./api.js').KeptExample} KeptExample */

/**
 * @param {KeptExample[]} examples of one task
 * @returns {string} which image is in several classes; empty where none is
 */
export function sharedImages(examples) {
  /** @type {Map<string, Map<string, KeptExample>>} sha256 to label to one example with that file */
  const files = new Map();
  for (const example of examples) files.set(example.sha256, (files.get(example.sha256) ?? new Map()).set(example.label, example));
  const shared = [...files.values()].filter((classes) => classes.size > 1);
  if (!shared.length) return '';
  const places = [...shared[0].values()].map(({ filename, label }) => texts.imageIn(filename, label));
  return texts.sharedImages(shared.length, places);
}
