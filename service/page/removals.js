/**
 * Removes images of a kept classifier so that they can come back. The service forgets what it deletes, so the files are
 * fetched first; and what goes is what was fetched, as a removal names the version of the classifier that it is about.
 */

import { fetchPicture, showTask } from './api.js';
import { Problem } from './requests.js';
import { texts } from './texts.js';

/** @typedef {import('./api.js').KeptExample} KeptExample */
/** @typedef {import('./api.js').Task} Task */
/** @typedef {{ example: KeptExample, file: Blob }} Removed */
/** @typedef {(removed: Removed[]) => string} Told */

const AT_ONCE = 4; // files: the service reads no more of them at a time
const ATTEMPTS = 20; // while others change the classifier: each waits for one change of theirs

export class Removals {
  /** @type {Map<string, Promise<Blob | null>>} id to file, null for one that is gone */
  #files = new Map();
  /** @type {Map<string, Removed & { told: Told, of: string }>} by id, of that task; their removal was asked for, but perhaps its answer was lost */
  #sent = new Map();

  /** Forget what is about a classifier that is out of view. */
  clear() {
    this.#files.clear();
    this.#sent.clear();
  }

  /** Begin with what takes longest. @param {Task} task @param {KeptExample[]} going @returns {Promise<unknown>} */
  fetch(task, going) {
    return leavesTooFew(task, going) ? Promise.resolve() : this.#filesOf(task.id, going);
  }

  /**
   * @param {Task} known as the page has it
   * @param {(task: Task) => KeptExample[]} pick what is to go
   * @param {(version: number) => Promise<Task>} send the removal, to be done in that version only
   * @param {Told} told what is said of it
   * @returns {Promise<{ task: Task, isOurs: boolean, problem?: Problem }>} without them, unless there is a problem; whether it
   *   was not somebody else who removed them
   */
  async remove(known, pick, send, told) {
    let task = known;
    for (let attempt = 1; ; attempt += 1) {
      const going = pick(task);
      if (!going.length) return { task, isOurs: pick(known).some(({ id }) => this.#sent.has(id)) };
      if (!leavesTooFew(task, going)) {
        const files = await this.#filesOf(task.id, going);
        const removed = going.flatMap((example, index) => ofFile(example, files[index]));
        if (removed.length === going.length) {
          const after = await this.#send(task, removed, told, send);
          if (after) return { task: after, isOurs: true };
        }
      } else if (attempt > 1) return { task, isOurs: false, problem: new Problem(texts.tooFewRemain, 409) };
      if (attempt === ATTEMPTS) return { task, isOurs: false, problem: new Problem(texts.keepsChanging, 409) };
      task = await showTask(task.id); // somebody else has changed it
    }
  }

  /**
   * @param {Task} task as it is now
   * @returns {[string, Removed[]][]} which of the removals have come to be done, and what is said of them
   */
  doneIn(task) {
    const here = new Set((task.examples ?? []).map(({ id }) => id));
    /** @type {Map<Told, Removed[]>} */
    const done = new Map();
    for (const [id, { told, of, ...one }] of this.#sent) {
      if (of !== task.id || here.has(id)) continue;
      this.#sent.delete(id);
      this.#files.delete(id);
      const ofOne = done.get(told);
      if (ofOne) ofOne.push(one);
      else done.set(told, [one]);
    }
    return [...done].map(([told, removed]) => [told(removed), removed]);
  }

  /**
   * @param {Task} task
   * @param {Removed[]} removed
   * @param {Told} told
   * @param {(version: number) => Promise<Task>} send
   * @returns {Promise<Task | null>} null where the classifier is of another version
   */
  async #send(task, removed, told, send) {
    for (const one of removed) this.#sent.set(one.example.id, { ...one, told, of: task.id });
    try {
      const after = await send(task.version);
      // As where a proxy, which takes no such address, says that it is not there.
      if (after.examples?.some(({ id }) => id === removed[0].example.id)) throw new Problem(texts.badAnswer, 400);
      return after;
    } catch (error) {
      if (error instanceof Problem && error.isStale) return null;
      // Else it may have been done all the same: then they are kept until it shows.
      if (error instanceof Problem && !error.mayPass) for (const one of removed) this.#sent.delete(one.example.id);
      throw error;
    }
  }

  /** @param {string} id of the task @param {KeptExample[]} examples @returns {Promise<(Blob | null)[]>} in their order */
  async #filesOf(id, examples) {
    const left = [...examples].reverse();
    const fetchNext = async () => {
      for (let one = left.pop(); one; one = left.pop()) await this.#fileOf(id, one.id);
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, fetchNext));
    } finally {
      left.length = 0; // nothing goes without the one that failed
    }
    return Promise.all(examples.map((one) => this.#fileOf(id, one.id)));
  }

  /** @param {string} id of the task @param {string} example its id */
  #fileOf(id, example) {
    const known = this.#files.get(example) ?? fetchPicture(id, example);
    this.#files.set(example, known);
    known.catch(() => this.#files.delete(example)); // to be tried again
    return known;
  }
}

/** @param {KeptExample} example @param {Blob | null} file @returns {Removed[]} */
const ofFile = (example, file) => (file ? [{ example, file }] : []);

/** @param {Task} task @param {KeptExample[]} going @returns {boolean} */
function leavesTooFew({ examples = [] }, going) {
  const gone = new Set(going.map(({ id }) => id));
  return new Set(examples.filter(({ id }) => !gone.has(id)).map(({ label }) => label)).size < 2;
}
