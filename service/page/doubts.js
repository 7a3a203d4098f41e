/**
 * Which images may be in a wrong class: those that their classifier would put into another one, were it taught by the other
 * images only. Knows no element of the page; tells changes by `change`. It is a hint: where it cannot be had, there is none.
 */

import { leftOut } from './api.js';

/** @typedef {import('./api.js').LeftOut} LeftOut */

export class Doubts extends EventTarget {
  #classifiers;
  #queries;
  #labels;
  /** Id of the opened classifier that the doubts are about; empty where they are about the own classes. */
  #about = '';
  /** The state of a task that was asked about last. */
  #asked = '';
  /** @type {Map<string, LeftOut>} by the id of a kept image, and by the name of an own one */
  #found = new Map();

  /**
   * @param {import('./classifiers.js').Classifiers} classifiers
   * @param {import('./queries.js').Queries} queries
   * @param {() => string[]} labels of the classes that there are now
   */
  constructor(classifiers, queries, labels) {
    super();
    this.#classifiers = classifiers;
    this.#queries = queries;
    this.#labels = labels;
    for (const one of [classifiers, queries]) one.addEventListener('change', () => this.#follow());
  }

  /** @returns {LeftOut[]} all that are about images and classes as they are now */
  get all() {
    return [...this.#found.keys()].flatMap((image) => this.#current(image) ?? []);
  }

  /**
   * @param {string} image id of a kept one, name of an own one
   * @param {string} label of its class
   * @returns {string | null} label of the class that it looks more like; null where there is no doubt
   */
  of(image, label) {
    const found = this.#current(image);
    return found?.label === label ? found.resembles : null;
  }

  /** @param {string} image @returns {LeftOut | null} */
  #current(image) {
    const found = this.#found.get(image);
    if (!found) return null;
    const labels = this.#labels();
    return labels.includes(found.label) && labels.includes(found.resembles) ? found : null;
  }

  async #follow() {
    const { opened } = this.#classifiers;
    const about = opened?.task.id ?? '';
    if (about !== this.#about) {
      this.#about = about;
      this.#asked = '';
      this.#take([]);
    }
    await null; // questions that come of the same change are asked first, and their answers awaited
    const state = this.#state;
    // Those shown stay until they are renewed: one goes through them one after the other.
    if (!state || state === this.#asked || this.#queries.all.some((query) => query.state === 'asking')) return;
    this.#asked = state;
    const items = await leftOut(this.#classifiers.ready?.task.id ?? '').catch(() => []);
    if (state === this.#state) this.#take(items.filter((one) => one.doubtful));
  }

  /** That of the task that answers now; empty where there is none. */
  get #state() {
    const task = this.#classifiers.ready?.task;
    return task ? `${task.id} ${task.version}` : '';
  }

  /** @param {LeftOut[]} doubtful */
  #take(doubtful) {
    this.#found = new Map(doubtful.map((one) => [this.#about ? one.id : one.filename, one]));
    this.dispatchEvent(new Event('change'));
  }
}
