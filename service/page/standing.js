/** Says plainly how things stand: what is missing, what goes on, what failed, or how good the classifier is. */

import { byId, debounced, element } from './dom.js';
import { repeatedImages, sharedImages } from './shared-images.js';
import { texts } from './texts.js';
import { stopped } from './wording.js';

const AFTER_LAST_CHANGE = 600; // milliseconds: what is missing may change with every letter of a name, and is to be said once

export class Standing {
  #place = byId('standing');
  #missing = '';
  #sayMissing = debounced(AFTER_LAST_CHANGE, () => {
    if (this.#place.dataset.state === 'waiting') put(this.#place, 'waiting', this.#missing);
  });

  /**
   * @param {import('./support.js').SupportSet} support
   * @param {import('./classifiers.js').Classifiers} classifiers
   * @param {import('./queries.js').Queries} queries
   */
  constructor(support, classifiers, queries) {
    this.support = support;
    this.classifiers = classifiers;
    this.queries = queries;
  }

  show() {
    const place = this.#place;
    const { ready, problem, opened, isGone } = this.classifiers;
    const obstacle = this.support.obstacle();
    const tryAgain = () => this.queries.askAgain();
    if (ready && this.queries.isCutOff) fail(place, texts.stillHere(texts.offline), tryAgain);
    else if (ready) {
      const { estimate, examples = [] } = ready.task;
      const sentences = [opened ? texts.readyOpened : texts.ready(ready.took)];
      if (estimate) sentences.push(texts.estimate(estimate.accuracy, estimate.low, estimate.high));
      put(place, 'ready', sentences.join(' '), [sharedImages(examples), repeatedImages(examples)].filter(Boolean).join(' '));
    } else if (isGone) put(place, 'problem', texts.taskGone);
    else if (obstacle) this.#wait(texts.waiting(obstacle.sentence));
    else if (problem) {
      if (problem.mayPass) fail(place, texts.stillHere(stopped(problem.message)), tryAgain);
      else put(place, 'problem', stopped(problem.message));
    } else put(place, 'making', texts.making);
  }

  /** @param {string} missing */
  #wait(missing) {
    const isSame = missing === this.#missing;
    this.#missing = missing;
    if (this.#place.dataset.state !== 'waiting') put(this.#place, 'waiting', missing);
    else if (!isSame) this.#sayMissing.call(); // strokes and the like do not put it off
  }
}

/** @param {HTMLElement} place @param {string} sentence @param {() => void} tryAgain */
function fail(place, sentence, tryAgain) {
  if (place.dataset.state === 'problem' && place.firstElementChild?.textContent === sentence) return;
  put(place, 'problem', sentence);
  place.append(element('button', { type: 'button', class: 'button', text: texts.tryAgain, onclick: tryAgain }));
}

/** @param {HTMLElement} place @param {string} state @param {string} sentence @param {string} [warning] */
function put(place, state, sentence, warning = '') {
  if (place.dataset.state === state && place.textContent === sentence + warning) return; // so that a screen reader says it once
  const held = place.contains(document.activeElement);
  place.dataset.state = state;
  place.replaceChildren(element('p', { text: sentence }), ...(warning ? [element('p', { class: 'note', text: warning })] : []));
  if (held) place.focus(); // "Try again" is gone, the keyboard stays here
}
