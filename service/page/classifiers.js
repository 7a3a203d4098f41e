/**
 * Which classifier answers: the one made from the user's classes, or a kept one that was opened.
 *
 * Why tasks and not the stateless POST /v1/classify: a drawing is asked about after every stroke, and with
 * a task each of these requests carries one small image instead of all examples, and adapts nothing anew.
 * The task also has the estimate to show and an address for the command. Its price is clean-up: a task
 * made here is a draft, deleted when the classes change or the page is left, until the user keeps it. One that
 * cannot be deleted then, as at the end of the browser, is deleted by the service once it has lain unused.
 */

import { createDraft, deleteTask, keepTask } from './api.js';
import { Problem } from './requests.js';
import { texts } from './texts.js';

/** @typedef {import('./api.js').Task} Task */
/** @typedef {{ task: Task, revision: number, took: number, kept: boolean }} Classifier */

const LAST_CHANCE = 10_000; // milliseconds for a request whose classes have changed: most are done by then, and a stalled one never

/** A classifier was asked for, but the classes no longer suffice for one, or the page was left meanwhile. */
export class NotReady extends Error {}

export class Classifiers extends EventTarget {
  /** @type {import('./support.js').SupportSet} */
  #support;
  /** @type {Classifier | null} */
  #own = null;
  /** @type {Classifier | null} */
  #opened = null;
  /** Whether the service no longer has the opened one. */
  #isGone = false;
  /** @type {Promise<Classifier> | null} */
  #making = null;
  /** @type {AbortController | null} aborts the request for the draft that is being made */
  #underway = null;
  /** @type {Classifier | null} the draft that is about to be kept, which no change may delete any more */
  #keeping = null;
  /** @type {Set<string>} ids of drafts that may have been kept, as the answer was lost: if not, the service deletes them */
  #perhapsKept = new Set();
  /** How often the page was left: a draft requested before that is discarded when it arrives. */
  #departures = 0;

  /** @type {Problem | null} what went wrong in making the last one */
  problem = null;

  /** @param {import('./support.js').SupportSet} support */
  constructor(support) {
    super();
    this.#support = support;
    support.addEventListener('change', () => {
      this.problem = null;
      if (support.obstacle()) this.#replace(null);
      const request = this.#underway;
      if (request) AbortSignal.timeout(LAST_CHANCE).addEventListener('abort', () => request.abort());
    });
  }

  get opened() {
    return this.#opened;
  }

  /** Whether an opened one was deleted elsewhere: nothing answers until it is closed, or another one opened. */
  get isGone() {
    return this.#isGone;
  }

  /** @returns {Classifier | null} the one that answers now; null where it would have to be made, or is gone */
  get ready() {
    if (this.#opened) return this.#isGone ? null : this.#opened;
    return this.#own?.revision === this.#support.revision ? this.#own : null;
  }

  /** @returns {Promise<Classifier>} the one that answers, made anew if the classes changed */
  async current() {
    if (this.ready) return this.ready;
    if (this.#isGone) throw new Problem(texts.taskGone, 404);
    if (this.#making) return this.#making;
    const making = this.#make().finally(() => {
      if (this.#making === making) this.#making = null;
      this.#tell();
    });
    this.#making = making;
    return making;
  }

  /**
   * @param {string} name
   * @param {boolean} [again] whether a draft that is gone may be made anew
   * @returns {Promise<boolean>} whether the classes are still those that were kept
   */
  async keep(name, again = true) {
    const own = await this.current();
    if (own.kept) return own.revision === this.#support.revision;
    this.#keeping = own;
    try {
      const kept = { ...own, task: await keepTask(own.task.id, name), kept: true };
      // If the classes changed meanwhile, another draft has taken its place; the kept task is listed either way.
      if (this.#own === own) this.#own = kept;
    } catch (error) {
      if (!(error instanceof Problem) || error.status === 0 || error.status >= 500) this.#perhapsKept.add(own.task.id);
      if (!(error instanceof Problem) || error.status !== 404 || !again) throw error;
      this.lost(own.task.id); // it lay unused for too long
      return this.keep(name, false);
    } finally {
      if (this.#keeping === own) this.#keeping = null;
    }
    this.#tell();
    return own.revision === this.#support.revision;
  }

  /**
   * Forget a classifier that the service no longer has, or has with other examples.
   * @param {string} id of its task
   * @returns {boolean} whether it was that of the own classes
   */
  lost(id) {
    if (this.#own?.task.id !== id) return false;
    this.#own = null;
    return true;
  }

  /** @param {Task} task */
  open(task) {
    this.#opened = { task, revision: -1, took: 0, kept: true };
    this.#isGone = false;
    this.#tell();
  }

  close() {
    this.#opened = null;
    this.#isGone = false;
    this.#tell();
  }

  /** @param {string} id of a kept task that the service no longer has */
  gone(id) {
    if (this.#opened?.task.id !== id) return;
    this.#isGone = true;
    this.#tell();
  }

  /** Leave no draft behind; one that is still being made is deleted here only if the page comes back. */
  abandon() {
    this.#departures += 1;
    this.#making = null;
    this.#replace(null);
  }

  async #make() {
    const departures = this.#departures;
    this.problem = null;
    this.#tell();
    try {
      for (;;) {
        if (departures !== this.#departures) throw new NotReady();
        if (this.#support.obstacle()) {
          this.#replace(null);
          throw new NotReady();
        }
        const revision = this.#support.revision;
        const start = performance.now();
        const task = await this.#create(revision);
        if (!task) continue;
        const made = { task, revision, took: performance.now() - start, kept: false };
        if (departures !== this.#departures) {
          this.#discard(made);
          throw new NotReady();
        }
        this.#replace(made);
        if (revision === this.#support.revision) return made;
      }
    } catch (error) {
      if (departures !== this.#departures) throw new NotReady();
      if (error instanceof Problem && !this.#marks(error)) this.problem = error;
      throw error;
    }
  }

  /** @param {number} revision @returns {Promise<Task | null>} null where the classes changed and it was given up */
  async #create(revision) {
    const request = new AbortController();
    this.#underway = request;
    try {
      return await createDraft(this.#support.labelled(), request);
    } catch (error) {
      if (!request.signal.aborted || revision === this.#support.revision) throw error;
      return null; // a draft that comes to be all the same expires by itself
    } finally {
      if (this.#underway === request) this.#underway = null;
    }
  }

  /** @param {Problem} problem @returns {boolean} whether it is about an image of the set, which is marked now */
  #marks({ file, field, message }) {
    // A problem with a label names an image of its class, but the image itself is sound.
    return file !== undefined && field !== 'labels' && this.#support.mark(file, message);
  }

  /** @param {Classifier | null} next */
  #replace(next) {
    const last = this.#own;
    this.#own = next;
    if (last && !last.kept && last !== this.#keeping) this.#discard(last);
  }

  /** @param {Classifier} draft */
  #discard({ task }) {
    if (!this.#perhapsKept.has(task.id)) deleteTask(task.id).catch(() => {}); // else the service does
  }

  #tell() {
    this.dispatchEvent(new Event('change'));
  }
}
