/** One class of a kept classifier: its images, and the ways to add more. */

import { ACCEPT } from './class-row.js';
import { element } from './dom.js';
import { fromInput } from './files.js';
import { FoldedPad } from './folded-pad.js';
import { acceptDrops, acceptExamples } from './intake.js';
import { OpenedImages } from './opened-images.js';
import { texts } from './texts.js';

/** @typedef {import('./api.js').KeptExample} KeptExample */
/** @typedef {import('./files.js').Found} Found */

export class OpenedRow {
  /**
   * @param {string} label
   * @param {(found: Found[]) => Promise<boolean>} take whether images were added
   * @param {(example: KeptExample) => void} moveHere
   * @param {import('./opened-images.js').ImageActions} actions
   */
  constructor(label, take, moveHere, actions) {
    this.images = new OpenedImages(label, actions);
    const input = element('input', {
      type: 'file', class: 'hidden-input', accept: ACCEPT, multiple: true, 'aria-label': texts.addImagesTo(label),
      onchange: () => { take(fromInput(input.files)); input.value = ''; },
    });
    this.pad = new FoldedPad('button quiet', (file) => take([{ file, folders: [] }]));
    this.pad.describe(texts.drawFor(label), texts.padFor(label));
    this.element = element('li', {}, [
      element('span', { class: 'opened-label', text: label }),
      this.images.button,
      element('label', { class: 'button quiet' }, [element('span', { text: texts.addImages }), input]),
      this.pad.button,
      this.pad.place,
      this.images.place,
    ]);
    acceptExamples(this.element, (/** @type {KeptExample} */ { id }) => !this.images.has(id), moveHere);
    acceptDrops(this.element, take);
  }
}
