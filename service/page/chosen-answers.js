/** Which of the answers are shown, and in what order: those of one class, say, or the least sure first. */

import { isSettled } from './answers-csv.js';
import { byId, element, selectById } from './dom.js';
import { sortedBy } from './in-order.js';
import { texts } from './texts.js';

/** @typedef {import('./queries.js').Query} Query */
/** @typedef {{ kind: string, sureness: number }} Standing of one answer among the others */

const LEAST = 5; // answers: fewer are seen at once
const ALL = 'all';
const MISSING = 'missing';
const UNKNOWN = 'unknown';
const LEAST_SURE = 'least-sure';
const labelKind = (/** @type {string} */ label) => `class ${label}`;

export class ChosenAnswers {
  #place = byId('answers-choice');
  #kinds = selectById('answers-of');
  #order = selectById('answers-order');
  #offered = '';
  /** @type {Map<Query, Standing>} as they stood when the list was last put in order */
  #stood = new Map();

  /**
   * @param {() => string[]} labels of the classes, in the order of the page
   * @param {() => void} changed called when the user chooses
   */
  constructor(labels, changed) {
    this.labels = labels;
    this.#order.replaceChildren(option('', texts.asGiven), option(LEAST_SURE, texts.leastSure));
    this.#order.value = '';
    // When one goes there from an answer, the list and the numbers follow what has been answered since.
    for (const field of [this.#kinds, this.#order]) for (const kind of ['change', 'focus']) field.addEventListener(kind, changed);
    this.#offer(new Map(), 0);
  }

  /** Let all be shown, so that new ones are. */
  showAll() {
    this.#kinds.value = ALL;
  }

  /**
   * @param {Query[]} files newest first
   * @param {boolean} isInUse whether the user is at one of the answers, which must stay where they are
   * @returns {Query[]} those to show, in their order; those that were not answered yet first
   */
  of(files, isInUse) {
    this.#note(files, isInUse);
    const known = files.filter((query) => this.#stood.has(query));
    this.#place.hidden = known.length < LEAST;
    if (this.#place.hidden) return files;
    const kinds = new Map();
    for (const query of known) kinds.set(this.#of(query).kind, (kinds.get(this.#of(query).kind) ?? 0) + 1);
    this.#offer(kinds, known.length);
    const wanted = this.#kinds.value;
    const chosen = known.filter((query) => wanted === ALL || this.#of(query).kind === wanted);
    if (this.#order.value === LEAST_SURE) chosen.sort((one, other) => this.#of(one).sureness - this.#of(other).sureness);
    return [...files.filter((query) => !this.#stood.has(query)), ...chosen];
  }

  /** @param {Query} query @returns {Standing} */
  #of(query) {
    return /** @type {Standing} */ (this.#stood.get(query));
  }

  /** Answers that come one by one would let the list jump: it follows when all of them are there. @param {Query[]} files @param {boolean} isInUse */
  #note(files, isInUse) {
    if (!files.every(isSettled)) return;
    if (!isInUse) this.#stood.clear();
    for (const query of files) if (!this.#stood.has(query)) this.#stood.set(query, standing(query));
  }

  /** @param {Map<string, number>} kinds how many answers of each there are @param {number} all */
  #offer(kinds, all) {
    const labels = [...kinds.keys()].filter((kind) => kind !== UNKNOWN && kind !== MISSING).map((kind) => kind.slice(labelKind('').length));
    const offers = [
      [ALL, texts.allAnswers(all)],
      ...sortedBy(this.labels(), labels, String).map((label) => [labelKind(label), texts.answersOf(label, kinds.get(labelKind(label)) ?? 0)]),
      ...(kinds.has(UNKNOWN) ? [[UNKNOWN, texts.answersUnknown(kinds.get(UNKNOWN) ?? 0)]] : []),
      ...(kinds.has(MISSING) ? [[MISSING, texts.answersMissing(kinds.get(MISSING) ?? 0)]] : []),
    ];
    const told = JSON.stringify(offers);
    if (told === this.#offered) return; // the list may be open
    this.#offered = told;
    const wanted = this.#kinds.value;
    this.#kinds.replaceChildren(...offers.map(([kind, text]) => option(kind, text)));
    this.#kinds.value = offers.some(([kind]) => kind === wanted) ? wanted : ALL;
  }
}

/** @param {string} value @param {string} text */
const option = (value, text) => element('option', { value, text });

/** @param {Query} query @returns {Standing} the surer, the higher: what has no answer, or fits no class, is to be looked at first */
function standing({ prediction }) {
  if (!prediction) return { kind: MISSING, sureness: -2 };
  const { label, probability, unknown } = prediction;
  return unknown ? { kind: UNKNOWN, sureness: probability - 1 } : { kind: labelKind(label), sureness: probability };
}
