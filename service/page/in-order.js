/** Brings a part of the page into line with a list, touching only what changed: the rest keeps focus and state. */

/**
 * Remove from the page, and from the map of what is shown, everything that is no longer wanted.
 * @template Key, Shown
 * @param {Map<Key, Shown>} shown
 * @param {Set<Key>} wanted
 * @param {(one: Shown) => HTMLElement} elementOf
 */
export function keepOnly(shown, wanted, elementOf) {
  for (const [key, one] of shown) {
    if (wanted.has(key)) continue;
    elementOf(one).remove();
    shown.delete(key);
  }
}

/** @param {HTMLElement} place @param {number} index @param {HTMLElement} child to put at `index` among the children of `place` */
export function putAt(place, index, child) {
  if (place.children[index] !== child) place.insertBefore(child, place.children[index] ?? null);
}

/**
 * @template One
 * @param {string[]} labels
 * @param {One[]} all
 * @param {(one: One) => string} labelOf
 * @returns {One[]} in the order of `labels`; those of other labels last, in their own order
 */
export function sortedBy(labels, all, labelOf) {
  const places = new Map(labels.map((label, index) => [label, index]));
  const placeOf = (/** @type {One} */ one) => places.get(labelOf(one)) ?? labels.length;
  return [...all].sort((one, other) => placeOf(one) - placeOf(other));
}
