/** The images of one class of a kept classifier, by name, folded away until their number is pressed. Each can be removed. */

import { element } from './dom.js';
import { keepOnly, putAt } from './in-order.js';
import { shortened } from './names.js';
import { sureButton } from './sure-button.js';
import { texts } from './texts.js';

/** @typedef {import('./api.js').KeptExample} KeptExample */

const MOST_OF_A_NAME = 48; // characters: three lines on a phone

export class OpenedImages {
  /** @type {Map<string, HTMLElement>} id to item of the list */
  #items = new Map();

  /** @param {string} label @param {(example: KeptExample) => void} remove */
  constructor(label, remove) {
    this.label = label;
    this.remove = remove;
    this.place = element('ul', { class: 'opened-images', hidden: true });
    this.button = element('button', {
      type: 'button', class: 'button quiet opened-count', 'aria-expanded': 'false',
      onclick: () => {
        this.place.hidden = !this.place.hidden;
        this.button.setAttribute('aria-expanded', String(!this.place.hidden));
      },
    });
  }

  /** @param {KeptExample[]} examples of the class */
  sync(examples) {
    this.button.textContent = texts.imageCount(examples.length);
    this.button.setAttribute('aria-label', texts.imagesOf(examples.length, this.label));
    const held = [...this.place.children].findIndex((item) => item.contains(document.activeElement));
    keepOnly(this.#items, new Set(examples.map((one) => one.id)), (item) => item);
    examples.forEach((example, index) => putAt(this.place, index, this.#itemOf(example)));
    if (held < 0 || this.place.contains(document.activeElement)) return;
    // The focus goes to the neighbour of what was removed.
    (this.place.children[Math.min(held, examples.length - 1)]?.querySelector('button') ?? this.button).focus();
  }

  /** @param {KeptExample} example */
  #itemOf(example) {
    const known = this.#items.get(example.id);
    if (known) return known;
    const { id, filename } = example;
    const remove = sureButton(texts.remove, texts.removeImage(filename, this.label), () => this.remove(example));
    const item = element('li', {}, [element('span', { class: 'hint', title: filename, text: shortened(filename, MOST_OF_A_NAME) }), remove]);
    this.#items.set(id, item);
    return item;
  }
}
