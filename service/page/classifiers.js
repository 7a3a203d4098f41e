/**
 * Which classifier answers: the one made from the user's classes, or a kept one that was opened.
 *
 * Why tasks and not the stateless POST /v1/classify: a drawing is asked about after every stroke, and with
 * a task each of these requests carries one small image instead of all examples, and adapts nothing anew.
 * The task also has the estimate to show and an address for the command. Its price is clean-up: a task
 * made here is a draft, deleted when the classes change or the page is left, until the user keeps it.
 */

import { createTask, deleteTask, Problem } from './api.js';
import { forgetDraft, rememberDraft, rememberLeftover } from './leftovers.js';
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
  /** @type {Promise<Classifier> | null} */
  #making = null;
  /** @type {{ name: string, request: AbortController } | null} the draft that is being made */
  #underway = null;
  /** How often the page was left: a draft requested before that is discarded when it arrives. */
  #departures = 0;
  /** @type {Set<string>} ids of drafts, including deleted ones, which a list fetched earlier may still show */
  #drafts = new Set();

  /** @type {Problem | null} what went wrong in making the last one */
  problem = null;

  /** @param {import('./support.js').SupportSet} support */
  constructor(support) {
    super();
    this.#support = support;
    support.addEventListener('change', () => {
      this.problem = null;
      if (support.obstacle()) this.#replace(null);
      const request = this.#underway?.request;
      if (request) AbortSignal.timeout(LAST_CHANCE).addEventListener('abort', () => request.abort());
    });
  }

  get opened() {
    return this.#opened;
  }

  /** @returns {Classifier | null} the one that answers now; null where it would have to be made */
  get ready() {
    if (this.#opened) return this.#opened;
    return this.#own?.revision === this.#support.revision ? this.#own : null;
  }

  /** @returns {Promise<Classifier>} the one that answers, made anew if the classes changed */
  async current() {
    if (this.ready) return this.ready;
    if (this.#making) return this.#making;
    const making = this.#make().finally(() => {
      if (this.#making === making) this.#making = null;
      this.#tell();
    });
    this.#making = making;
    return making;
  }

  /** @param {string} id of a task @returns {boolean} whether it is one of this page's drafts, so none to list */
  isDraft(id) {
    return this.#drafts.has(id);
  }

  /** @param {string} id of a task @returns {boolean} whether it is the draft that answers for the own classes */
  holds(id) {
    return this.#own?.task.id === id && !this.#own.kept;
  }

  /** @param {string} name @returns {Promise<boolean>} whether the classes are still those that were kept */
  async keep(name) {
    const own = await this.current();
    if (own.kept) return true;
    const kept = { ...own, task: await createTask(this.#support.labelled(), name), kept: true };
    // If the classes changed meanwhile, another draft has taken its place; the kept task is listed either way.
    if (this.#own === own) this.#replace(kept);
    this.#tell();
    return kept.revision === this.#support.revision;
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
    this.#tell();
  }

  close() {
    this.#opened = null;
    this.#tell();
  }

  /**
   * Leave no draft behind.
   * @returns {string | null} name of one that is still being made, and is deleted here only if the page comes back
   */
  abandon() {
    this.#departures += 1;
    this.#making = null;
    this.#replace(null);
    return this.#underway?.name ?? null;
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
        const labels = this.#support.groups.map((group) => group.label);
        const start = performance.now();
        const task = await this.#create(texts.draftName(texts.suggestedName(labels), new Date()), revision);
        if (!task) continue;
        const made = { task, revision, took: performance.now() - start, kept: false };
        this.#drafts.add(task.id);
        rememberDraft(task.id);
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

  /** @param {string} name @param {number} revision @returns {Promise<Task | null>} null where the classes changed and it was given up */
  async #create(name, revision) {
    const underway = { name, request: new AbortController() };
    this.#underway = underway;
    try {
      return await createTask(this.#support.labelled(), name, underway.request);
    } catch (error) {
      if (!underway.request.signal.aborted) throw error;
      rememberLeftover(name); // it may come to be all the same
      if (revision === this.#support.revision) throw error;
      return null;
    } finally {
      if (this.#underway === underway) this.#underway = null;
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
    if (last && !last.kept) this.#discard(last);
  }

  /** @param {Classifier} draft */
  #discard({ task }) {
    // A draft that cannot be deleted now (the service is off) does no harm: the next page deletes it.
    deleteTask(task.id).then(() => forgetDraft(task.id), () => this.#drafts.delete(task.id));
  }

  #tell() {
    this.dispatchEvent(new Event('change'));
  }
}
