/** Images that were removed from a kept classifier, and their way back into it: under their names, and to their places. */

import { restoreExamples, showTask } from './api.js';
import { Problem } from './requests.js';

/** @typedef {import('./api.js').KeptExample} KeptExample */
/** @typedef {import('./api.js').Task} Task */
/** @typedef {import('./removals.js').Removed} Removed */

// In base64, 16 MiB: what a slow line carries within the minute that the service waits for a request.
const MOST_BYTES = 12 * 1024 * 1024;

export class PuttingBack {
  /** @type {Removed[]} */
  #left;
  /** @type {Set<string> | null} ids that cannot be theirs */
  #others = null;

  /** @param {Removed[]} removed @param {import('./places.js').Places} places */
  constructor(removed, places) {
    this.#left = removed;
    this.places = places;
  }

  /** How many are not back yet. */
  get count() {
    return this.#left.length;
  }

  /**
   * @param {Task} task as the page has it
   * @param {(task: Task) => void} changed called with it as it is then, also where not all could be put back
   */
  async run(task, changed) {
    /** @type {Task | null} */
    let now = null;
    /** @type {Problem[]} */
    const refusals = [];
    const giveHalves = async (/** @type {Removed[]} */ part) => {
      const half = Math.ceil(part.length / 2);
      await give(part.slice(0, half));
      await give(part.slice(half));
    };
    /** @type {(part: Removed[]) => Promise<void>} */
    const give = async (part) => {
      if (isLarge(part)) return giveHalves(part);
      try {
        now = await restoreExamples(task.id, part.map(({ example, file }) => ({ ...example, file })));
        this.#recognize(now);
      } catch (error) {
        // The others do not depend on one that is refused by now, for a limit that was lowered; and fewer may arrive in time.
        if (!(error instanceof Problem) || (![408, 413].includes(error.status) && error.file === undefined)) throw error;
        if (part.length > 1) return giveHalves(part);
        refusals.push(error);
      }
    };
    try {
      if (this.#others) this.#recognize(now = await showTask(task.id)); // the answer of an earlier try may have been lost
      this.#others ??= new Set((task.examples ?? []).map(({ id }) => id));
      if (this.#left.length) await give(this.#left);
    } finally {
      if (now) changed(now);
    }
    if (refusals.length) throw refusals[0];
  }

  /** Take note of those that are back. @param {Task} task */
  #recognize({ examples = [] }) {
    /** @type {Map<string, string[]>} */
    const come = new Map();
    for (const one of examples) {
      if (!this.#others?.has(one.id)) come.set(keyOf(one), [...(come.get(keyOf(one)) ?? []), one.id]);
    }
    this.#left = this.#left.filter(({ example }) => {
      const id = come.get(keyOf(example))?.shift();
      if (id === undefined) return true;
      this.#others?.add(id);
      this.places.takeOver(example.id, id);
      return false;
    });
  }
}

/** @param {KeptExample} example */
const keyOf = ({ label, filename, sha256 }) => JSON.stringify([label, filename, sha256]);

/** @param {Removed[]} part @returns {boolean} whether it is to go in several requests */
const isLarge = (part) => part.length > 1 && part.reduce((bytes, { file }) => bytes + file.size, 0) > MOST_BYTES;
