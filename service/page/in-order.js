/** Brings a place of the page into line with a list, touching only what is others than before: the rest keeps focus and state. */

/**
 * Take out of the page, and out of the map of what is shown, all that is not wanted any more.
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

/** @param {HTMLElement} place @param {number} index @param {HTMLElement} child that is to be its child of this number */
export function putAt(place, index, child) {
  if (place.children[index] !== child) place.insertBefore(child, place.children[index] ?? null);
}
