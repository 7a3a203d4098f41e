/** One class of a kept classifier: its images, and the ways to add more. */

import { ACCEPT } from './class-row.js';
import { element, fade } from './dom.js';
import { fromInput } from './files.js';
import { FoldedPad } from './folded-pad.js';
import { acceptDrops, acceptExamples } from './intake.js';
import { OpenedImages } from './opened-images.js';
import { removeButton } from './remove-button.js';
import { texts } from './texts.js';

/** @typedef {import('./api.js').KeptExample} KeptExample */
/** @typedef {import('./files.js').Found} Found */

/**
 * @typedef {object} OpenedRowActions
 * @property {(found: Found[]) => Promise<boolean>} take whether images were added
 * @property {(example: KeptExample) => void} moveHere
 * @property {() => Promise<void>} remove the class
 */

export class OpenedRow {
  /**
   * @param {string} label
   * @param {OpenedRowActions} actions
   * @param {import('./opened-images.js').ImageActions} imageActions
   */
  constructor(label, { take, moveHere, remove }, imageActions) {
    this.images = new OpenedImages(label, imageActions);
    const input = element('input', {
      type: 'file', class: 'hidden-input', accept: ACCEPT, multiple: true, 'aria-label': texts.addImagesTo(label),
      onchange: () => { take(fromInput(input.files)); input.value = ''; },
    });
    this.pad = new FoldedPad('button quiet', (file) => take([{ file, folders: [] }]));
    this.pad.describe(texts.drawFor(label), texts.padFor(label));
    this.removeButton = removeButton(texts.removeClass(label), () => fade(this.element, remove()));
    this.element = element('li', {}, [
      element('span', { class: 'opened-label', text: label }),
      this.images.button,
      element('label', { class: 'button quiet' }, [element('span', { text: texts.addImages }), input]),
      this.pad.button,
      this.removeButton,
      this.pad.place,
      this.images.place,
      this.images.doubts,
    ]);
    acceptExamples(this.element, (/** @type {KeptExample} */ { id }) => !this.images.has(id), moveHere);
    acceptDrops(this.element, take);
  }
}
