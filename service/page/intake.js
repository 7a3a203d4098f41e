/** Takes images that a user drops on, or pastes into, a part of the page. */

import { takesText } from './dom.js';
import { fromDrop, fromPaste } from './files.js';

/** @typedef {import('./files.js').Found} Found */

/**
 * @param {HTMLElement} zone shows itself as the target while files are dragged over it
 * @param {(found: Found[]) => void} take
 */
export function acceptDrops(zone, take) {
  let depth = 0; // enter and leave fire for every child, too
  const mark = (/** @type {number} */ change) => {
    depth = Math.max(0, depth + change);
    zone.classList.toggle('is-target', depth > 0);
  };
  zone.addEventListener('dragenter', (event) => { if (holdsFiles(event)) mark(1); });
  zone.addEventListener('dragleave', (event) => { if (holdsFiles(event)) mark(-1); });
  zone.addEventListener('dragover', (event) => { if (holdsFiles(event)) event.preventDefault(); });
  zone.addEventListener('drop', async (event) => {
    mark(-depth);
    if (event.defaultPrevented) return; // a zone inside this one took it
    event.preventDefault();
    take(await fromDrop(event.dataTransfer));
  });
}

/** @param {DragEvent} event */
const holdsFiles = (event) => event.dataTransfer?.types.includes('Files') ?? false;

/** A drop beside every zone must not make the browser leave the page for the image. */
export function guardPage() {
  for (const kind of ['dragover', 'drop']) document.addEventListener(kind, (event) => event.preventDefault());
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
