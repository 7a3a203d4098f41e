/** Takes images that a user drops on, or pastes into, a part of the page. */

import { takesText } from './dom.js';
import { dragged, EXAMPLE, QUERY } from './dragged.js';
import { fromDrop, fromPaste } from './files.js';

/** @typedef {import('./files.js').Found} Found */

/**
 * @param {HTMLElement} zone shows itself as the target while something wanted is dragged over it
 * @param {(event: DragEvent) => boolean} isWanted
 */
function acceptDrags(zone, isWanted) {
  let depth = 0; // enter and leave fire for every child, too
  const mark = (/** @type {number} */ change) => {
    depth = Math.max(0, depth + change);
    zone.classList.toggle('is-target', depth > 0);
  };
  zone.addEventListener('dragenter', (event) => {
    if (!isWanted(event)) return;
    mark(1);
    event.preventDefault(); // or what is let go at once, before the first dragover, is not taken
  });
  zone.addEventListener('dragleave', (event) => { if (isWanted(event)) mark(-1); });
  zone.addEventListener('dragover', (event) => { if (isWanted(event)) event.preventDefault(); });
  zone.addEventListener('drop', () => mark(-depth));
}

/**
 * @param {HTMLElement} zone for files, and for images that were asked about
 * @param {(found: Found[]) => void} take
 */
export function acceptDrops(zone, take) {
  acceptDrags(zone, (event) => Boolean(event.dataTransfer?.types.includes('Files') || dragged(event, QUERY)));
  zone.addEventListener('drop', async (event) => {
    if (event.defaultPrevented) return; // a zone inside this one took it
    event.preventDefault();
    if (dragged(event, EXAMPLE)) return;
    const query = /** @type {import('./queries.js').Query | null} */ (dragged(event, QUERY)); // the browser's copy of it would have no name
    take(query ? [{ file: query.file, folders: [] }] : await fromDrop(event.dataTransfer));
  });
}

/**
 * @template {import('./dragged.js').Image} Example
 * @param {HTMLElement} zone for examples that are dragged from other classes
 * @param {(example: Example) => boolean} isWanted
 * @param {(example: Example) => void} take
 */
export function acceptExamples(zone, isWanted, take) {
  /** @param {DragEvent} event */
  const wanted = (event) => {
    const example = /** @type {Example | null} */ (dragged(event, EXAMPLE));
    return example && isWanted(example) ? example : null;
  };
  acceptDrags(zone, (event) => wanted(event) !== null);
  zone.addEventListener('drop', (event) => {
    const example = wanted(event);
    if (example) take(example);
  });
}

/** A drop beside every zone must not make the browser leave the page for the image. */
export function guardPage() {
  document.addEventListener('dragover', (event) => { if (!dragged(event, EXAMPLE)) event.preventDefault(); });
  document.addEventListener('drop', (event) => event.preventDefault());
}

/**
 * @param {(target: Element) => ((found: Found[]) => void)} receiverOf who takes a paste made where the user last pressed, or with
 *   the focus, on `target`
 */
export function acceptPastes(receiverOf) {
  /** @type {Element | null} the browser itself would tell an older place, or none, after a press on an image or on a blank */
  let last = null;
  for (const kind of ['pointerdown', 'focusin']) {
    document.addEventListener(kind, ({ target }) => { last = target instanceof Element ? target : null; });
  }
  document.addEventListener('paste', (event) => {
    // Spreadsheets and word processors put a picture of the text beside it.
    if (takesText(event.target) && event.clipboardData?.types.includes('text/plain')) return;
    const found = fromPaste(event.clipboardData);
    if (!found.length) return;
    event.preventDefault();
    const target = last?.isConnected ? last : event.target;
    receiverOf(target instanceof Element ? target : document.body)(found);
  });
}
