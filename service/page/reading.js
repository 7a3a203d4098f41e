/** The files being copied for one part of the page, which says so and does not take them twice meanwhile. */

import { isLarge } from './copies.js';
import { texts } from './texts.js';

/** @typedef {import('./files.js').Found} Found */

const MANY = 100; // images, which take a moment even where each is small

export class Reading {
  /** @type {Set<string>} */
  #underway = new Set();
  #isTold = false;

  /** @param {(sentence: string) => void} tell what goes on; called with nothing when it is done */
  constructor(tell) {
    this.tell = tell;
  }

  /**
   * @template Copies
   * @param {Found[]} images
   * @param {() => Promise<Copies>} copy
   * @returns {Promise<Copies | null>} null if all are being copied already, given again by a user who saw nothing happen
   */
  async read(images, copy) {
    const keys = images.map(keyOf);
    if (keys.length && keys.every((key) => this.#underway.has(key))) return null;
    for (const key of keys) this.#underway.add(key);
    this.#isTold ||= images.length > MANY || images.some(({ file }) => isLarge(file)); // a few small ones are copied at once
    this.#show();
    try {
      return await copy();
    } finally {
      for (const key of keys) this.#underway.delete(key);
      this.#show();
    }
  }

  #show() {
    if (!this.#isTold) return;
    this.#isTold = this.#underway.size > 0;
    this.tell(this.#isTold ? texts.reading(this.#underway.size) : '');
  }
}

/** @param {Found} found @returns {string} the same for a file that is chosen again */
const keyOf = ({ file, folders }) => [...folders, file.name, file.size, file.lastModified].join('/');
