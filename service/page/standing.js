/** Says plainly how things stand: what is missing, what goes on, what failed, or how good the classifier is. */

import { byId, element } from './dom.js';
import { repeatedImages, sharedImages } from './shared-images.js';
import { texts } from './texts.js';

/**
 * @param {import('./support.js').SupportSet} support
 * @param {import('./classifiers.js').Classifiers} classifiers
 * @param {import('./queries.js').Queries} queries
 */
export function showStanding(support, classifiers, queries) {
  const place = byId('standing');
  const { ready, problem, opened } = classifiers;
  const obstacle = support.obstacle();
  const tryAgain = () => queries.askAgain();
  if (ready && queries.isCutOff) fail(place, texts.stillHere(texts.offline), tryAgain);
  else if (ready) {
    const { estimate, examples = [] } = ready.task;
    const sentences = [opened ? texts.readyOpened : texts.ready(ready.took)];
    if (estimate) sentences.push(texts.estimate(estimate.accuracy, estimate.low, estimate.high));
    put(place, 'ready', sentences.join(' '), [sharedImages(examples), repeatedImages(examples)].filter(Boolean).join(' '));
  } else if (obstacle) put(place, 'waiting', texts.waiting(obstacle.sentence));
  else if (problem) {
    if (problem.mayPass) fail(place, texts.stillHere(problem.message), tryAgain);
    else put(place, 'problem', problem.message);
  } else put(place, 'making', texts.making);
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
