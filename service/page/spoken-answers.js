/** Tells a screen reader what is new among the answers: each once, and only when all that was asked is settled. */

import { say } from './dom.js';
import { texts } from './texts.js';

/** @typedef {import('./queries.js').Query} Query */

export class SpokenAnswers {
  /** @type {WeakMap<Query, unknown>} each query's outcome when it was last told */
  #told = new WeakMap();
  #ofDrawing = '';

  /** @param {import('./queries.js').Queries} queries */
  constructor(queries) {
    this.queries = queries;
    queries.addEventListener('change', () => this.#tell());
  }

  #tell() {
    const { all, drawing } = this.queries;
    if (all.some((query) => query.state === 'asking')) return;
    const fresh = all.filter((query) => outcome(query) !== null && outcome(query) !== this.#told.get(query));
    if (!fresh.length) return;
    for (const query of fresh) this.#told.set(query, outcome(query));
    if (fresh.length > 1) {
      say(count(fresh));
      return;
    }
    const [query] = fresh;
    const sentence = one(query, query === drawing ? texts.yourDrawing : query.file.name);
    // A drawing is asked about after every stroke: only a change of the answer is news.
    if (query === drawing && sentence === this.#ofDrawing) return;
    if (query === drawing) this.#ofDrawing = sentence;
    say(sentence);
  }
}

/** @param {Query} query @returns {unknown} its prediction or problem; null before it is settled */
function outcome({ state, prediction, problem }) {
  return { waiting: null, asking: null, answered: prediction, failed: problem }[state];
}

/** @param {Query} query @param {string} name @returns {string} */
function one({ prediction, problem }, name) {
  if (!prediction) return texts.spokenProblem(name, problem);
  return prediction.unknown ? texts.spokenUnknown(name) : texts.spokenAnswer(name, prediction.label, prediction.probability);
}

/** @param {Query[]} queries @returns {string} */
function count(queries) {
  const failed = queries.filter((query) => query.state === 'failed').length;
  const answered = queries.length - failed;
  return [answered ? texts.spokenMany(answered) : '', failed ? texts.spokenFailed(failed) : ''].filter(Boolean).join(' ');
}
