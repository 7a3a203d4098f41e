/**
 * The images of one class of a kept classifier. Each can go to another class, or be removed. Pressing their number folds
 * them away, as they are at first where they are many.
 */

import { element, fade } from './dom.js';
import { doubtNote, markDoubts } from './doubt-marks.js';
import { keepOnly, putAt } from './in-order.js';
import { removeButton } from './remove-button.js';
import { texts } from './texts.js';
import { tile } from './tile.js';

/** @typedef {import('./api.js').KeptExample} KeptExample */
/**
 * @typedef {object} ImageActions
 * @property {(example: KeptExample) => string} addressOf its picture
 * @property {(example: KeptExample, picture: HTMLElement) => void} askWhereTo it shall go
 * @property {(example: KeptExample) => Promise<void>} remove
 * @property {(example: KeptExample) => string | null} resembled the class that it looks more like
 */

const MOST_AT_FIRST = 24;

export class OpenedImages {
  /** @type {Map<string, HTMLElement>} id to tile */
  #tiles = new Map();
  #isNew = true;

  /** @param {string} label @param {ImageActions} actions */
  constructor(label, actions) {
    this.label = label;
    this.actions = actions;
    this.place = element('ul', { class: 'tray opened-images', hidden: true });
    this.doubts = doubtNote();
    this.button = element('button', {
      type: 'button', class: 'button quiet opened-count', 'aria-expanded': 'false', onclick: () => this.#fold(!this.place.hidden),
    });
  }

  /** @param {string} id */
  has(id) {
    return this.#tiles.has(id);
  }

  /** @param {KeptExample[]} examples of the class */
  sync(examples) {
    this.button.textContent = texts.imageCount(examples.length);
    this.button.setAttribute('aria-label', texts.imagesOf(examples.length, this.label));
    if (this.#isNew) this.#fold(examples.length > MOST_AT_FIRST);
    this.#isNew = false;
    const held = [...this.place.children].findIndex((one) => one.contains(document.activeElement));
    const part = document.activeElement?.getAttribute('role') === 'button' ? 'img' : 'button';
    keepOnly(this.#tiles, new Set(examples.map((one) => one.id)), (one) => one);
    examples.forEach((example, index) => putAt(this.place, index, this.#tileOf(example)));
    this.showDoubts(examples);
    if (held < 0 || this.place.contains(document.activeElement)) return;
    // The focus goes to the neighbour of what was removed.
    (this.place.children[Math.min(held, examples.length - 1)]?.querySelector(part) ?? this.button).focus();
  }

  /** @param {KeptExample[]} examples of the class */
  showDoubts(examples) {
    markDoubts(this.doubts, examples.map((one) => ({ shown: this.#tileOf(one), name: one.filename, resembles: this.actions.resembled(one) })));
  }

  /** @param {boolean} isFolded */
  #fold(isFolded) {
    this.place.hidden = isFolded;
    this.button.setAttribute('aria-expanded', String(!isFolded));
  }

  /** @param {KeptExample} example */
  #tileOf(example) {
    const known = this.#tiles.get(example.id);
    if (known) return known;
    const { id, filename } = example;
    const made = tile(
      'li', { image: example, name: filename, src: this.actions.addressOf(example), loading: 'lazy' },
      (picture) => this.actions.askWhereTo(example, picture),
      removeButton(texts.removeImage(filename, this.label), () => fade(made, this.actions.remove(example))),
    );
    this.#tiles.set(id, made);
    return made;
  }
}
