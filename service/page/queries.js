/** The images asked about, and their answers. Knows no element of the page; tells changes by `change`. */

import { classify } from './api.js';
import { NotReady } from './classifiers.js';
import { namedApart } from './files.js';
import { Problem } from './requests.js';
import { texts } from './texts.js';

/** @typedef {import('./classifiers.js').Classifier} Classifier */
/**
 * @typedef {object} Query
 * @property {number} id
 * @property {File} file
 * @property {string} url
 * @property {'waiting' | 'asking' | 'answered' | 'failed'} state
 * @property {import('./api.js').Prediction | null} prediction the last one, also while a new one is asked for
 * @property {string} timing how long the answer took, where it was the only one
 * @property {string} problem
 * @property {boolean} again whether asking again may help
 */

const PER_REQUEST = 20;

export class Queries extends EventTarget {
  /** @type {import('./classifiers.js').Classifiers} */
  #classifiers;
  #ids = 0;
  /** @type {WeakMap<Query, number>} the latest request about a query: answers of older ones are dropped */
  #turns = new WeakMap();
  #turn = 0;
  /** @type {WeakMap<Query, import('./api.js').Task>} who answered last */
  #answeredBy = new WeakMap();

  /** @type {Query[]} newest first */
  files = [];
  /** @type {Query | null} */
  drawing = null;
  /** How long the answers about files took that were last asked for together. */
  timing = '';
  /** How many of them have one, while others of them are still being asked about. */
  progress = '';
  /** Whether the last request about them got no answer. */
  #isCutOff = false;

  /** @param {import('./classifiers.js').Classifiers} classifiers */
  constructor(classifiers) {
    super();
    this.#classifiers = classifiers;
  }

  get all() {
    return this.drawing ? [this.drawing, ...this.files] : this.files;
  }

  /** Whether the service was away when it was last asked, and answers are missing for that. */
  get isCutOff() {
    return this.#isCutOff && this.all.some((query) => query.state === 'failed');
  }

  /** @param {File[]} files */
  add(files) {
    const named = namedApart(files, this.all.map((query) => query.file.name));
    const added = named.map((file) => this.#query(file, URL.createObjectURL(file)));
    this.files = [...added, ...this.files];
    this.#tell();
    return this.ask(added);
  }

  /** @param {Query} query */
  remove(query) {
    URL.revokeObjectURL(query.url);
    this.files = this.files.filter((one) => one !== query);
    this.#tell();
  }

  /** @param {File | null} file the drawing as it is now; null when the sheet is blank */
  async draw(file) {
    const before = this.drawing;
    const [drawn] = namedApart(file ? [file] : [], this.files.map((query) => query.file.name));
    this.drawing = drawn ? { ...this.#query(drawn, ''), prediction: before?.prediction ?? null, timing: before?.timing ?? '' } : null;
    this.#tell();
    if (this.drawing) await this.ask([this.drawing]);
  }

  /** Ask again about all that have no answer and may get one now. */
  askAgain() {
    return this.ask(this.all.filter(({ state, again }) => state === 'failed' && again));
  }

  /** Ask about `wanted`, or about all that the classifier as it is now has not answered. @param {Query[]} [wanted] */
  async ask(wanted = this.all.filter((query) => query.state !== 'answered' || this.#answeredBy.get(query) !== this.#classifiers.ready?.task)) {
    // Those that found no classifier wait for the next one, whoever asks for it.
    const queries = this.all.filter((query) => query.state === 'waiting' || wanted.includes(query));
    const turn = this.#begin(queries);
    try {
      let classifier = await this.#classifiers.current();
      const start = performance.now();
      for (let first = 0; first < queries.length; first += PER_REQUEST) {
        const due = queries.slice(first, first + PER_REQUEST).filter((query) => this.#turns.get(query) === turn);
        classifier = await this.#askSome(due, turn, classifier);
        const own = queries.filter((query) => this.#turns.get(query) === turn && query !== this.drawing);
        const answered = own.filter((query) => query.state === 'answered');
        if (answered.length > 1) this.timing = texts.tookMany(performance.now() - start, answered.length);
        const done = own.filter((query) => query.state !== 'asking');
        this.progress = done.length < own.length ? texts.answeredSoFar(done.length, own.length) : '';
        this.#tell();
      }
    } catch (error) {
      const isUnlearned = error === this.#classifiers.problem; // another one may be left of the own classes, with an opened one asked
      const about = error instanceof Problem && !isUnlearned ? error : null;
      const missed = queries.filter((one) => this.#turns.get(one) === turn && one.state === 'asking');
      if (missed.length) this.#isCutOff = about?.status === 0;
      if (missed.length === queries.length && missed.length > 1) this.timing = ''; // it was about answers that they no longer have
      for (const query of missed) {
        const problem = isUnlearned ? texts.unlearned : about?.message ?? '';
        Object.assign(query, { state: about ? 'failed' : 'waiting', problem, again: about?.mayPass ?? false, prediction: null });
      }
      if (!(error instanceof Problem || error instanceof NotReady)) throw error;
    } finally {
      if (!this.all.some((query) => query.state === 'asking')) this.progress = '';
      this.#tell();
    }
  }

  /**
   * @param {Query[]} queries of one request
   * @param {number} turn
   * @param {Classifier} classifier
   * @returns {Promise<Classifier>} the one that answered
   */
  async #askSome(queries, turn, classifier) {
    const pending = [...queries];
    const first = classifier;
    while (pending.length) {
      const start = performance.now();
      try {
        const { task } = classifier;
        const { predictions } = await classify(task.id, pending.map((query) => query.file));
        const took = performance.now() - start;
        const timing = pending.length === 1 ? texts.took(took) : '';
        this.#isCutOff = false;
        pending.forEach((query, index) => {
          if (this.#turns.get(query) !== turn) return;
          Object.assign(query, { state: 'answered', prediction: predictions[index], timing, problem: '' });
          this.#answeredBy.set(query, task);
        });
        return classifier;
      } catch (error) {
        classifier = await this.#recover(error, pending, classifier, first);
      }
    }
    return classifier;
  }

  /**
   * Recover from an error, so that neither one unreadable image nor a lost task costs the other images their answers.
   * @param {unknown} error
   * @param {Query[]} pending loses the query at fault
   * @param {Classifier} classifier
   * @param {Classifier} first the one asked before any recovery: a second loss in a row is an error
   * @returns {Promise<Classifier>} the one to ask again
   */
  async #recover(error, pending, classifier, first) {
    if (!(error instanceof Problem)) throw error;
    const atFault = pending.findIndex((query) => query.file.name === error.file);
    if (atFault >= 0) {
      Object.assign(pending[atFault], { state: 'failed', problem: error.message, again: false, prediction: null });
      pending.splice(atFault, 1);
      return classifier;
    }
    if (error.status !== 404 || classifier !== first) throw error;
    if (classifier === this.#classifiers.opened) this.#classifiers.gone(classifier.task.id);
    else this.#classifiers.lost(classifier.task.id);
    return this.#classifiers.current();
  }

  /** @param {Query[]} queries @returns {number} */
  #begin(queries) {
    this.#turn += 1;
    if (queries.length > 1) this.progress = '';
    for (const query of queries) {
      this.#turns.set(query, this.#turn);
      Object.assign(query, { state: 'asking', problem: '' });
    }
    this.#tell();
    return this.#turn;
  }

  /** @param {File} file @param {string} url @returns {Query} */
  #query(file, url) {
    this.#ids += 1;
    return { id: this.#ids, file, url, state: 'waiting', prediction: null, timing: '', problem: '', again: false };
  }

  #tell() {
    this.dispatchEvent(new Event('change'));
  }
}
