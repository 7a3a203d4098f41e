/** One class of a kept classifier: how many images it has, and the ways to add more. */

import { ACCEPT } from './class-row.js';
import { element } from './dom.js';
import { fromInput } from './files.js';
import { FoldedPad } from './folded-pad.js';
import { acceptDrops } from './intake.js';
import { texts } from './texts.js';

/** @typedef {import('./files.js').Found} Found */

export class OpenedRow {
  #count = element('span', { class: 'hint' });

  /** @param {string} label @param {(found: Found[]) => Promise<boolean>} take whether images were added */
  constructor(label, take) {
    const input = element('input', {
      type: 'file', class: 'hidden-input', accept: ACCEPT, multiple: true, 'aria-label': texts.addImagesTo(label),
      onchange: () => { take(fromInput(input.files)); input.value = ''; },
    });
    this.pad = new FoldedPad('button quiet', (file) => take([{ file, folders: [] }]));
    this.pad.describe(texts.drawFor(label), texts.padFor(label));
    this.element = element('li', {}, [
      element('span', { class: 'opened-label', text: label }),
      this.#count,
      element('label', { class: 'button quiet' }, [element('span', { text: texts.addImages }), input]),
      this.pad.button,
      this.pad.place,
    ]);
    acceptDrops(this.element, take);
  }

  /** @param {number} count of its images */
  sync(count) {
    this.#count.textContent = texts.imageCount(count);
  }
}
