/** Says plainly how things stand: what is missing, what goes on, what failed, or how good the classifier is. */

import { byId, element } from './dom.js';
import { sharedImages } from './shared-images.js';
import { texts } from './texts.js';

/**
 * @param {import('./support.js').SupportSet} support
 * @param {import('./classifiers.js').Classifiers} classifiers
 * @param {() => void} tryAgain
 */
export function showStanding(support, classifiers, tryAgain) {
  const place = byId('standing');
  const { ready, problem, opened } = classifiers;
  const obstacle = support.obstacle();
  if (ready) {
    const { estimate } = ready.task;
    const sentences = [opened ? texts.readyOpened : texts.ready(ready.took)];
    if (estimate) sentences.push(texts.estimate(estimate.accuracy, estimate.low, estimate.high));
    put(place, 'ready', sentences.join(' '), sharedImages(ready.task.examples ?? []));
  } else if (obstacle) put(place, 'waiting', texts.waiting(obstacle.sentence));
  else if (problem) {
    const sentence = problem.mayPass ? texts.stillHere(problem.message) : problem.message;
    if (place.dataset.state === 'problem' && place.firstElementChild?.textContent === sentence) return;
    put(place, 'problem', sentence);
    if (problem.mayPass) place.append(element('button', { type: 'button', class: 'button', text: texts.tryAgain, onclick: tryAgain }));
  } else put(place, 'making', texts.making);
}

/** @param {HTMLElement} place @param {string} state @param {string} sentence @param {string} [warning] */
function put(place, state, sentence, warning = '') {
  if (place.dataset.state === state && place.textContent === sentence + warning) return; // so that a screen reader says it once
  const held = place.contains(document.activeElement);
  place.dataset.state = state;
  place.replaceChildren(element('p', { text: sentence }), ...(warning ? [element('p', { class: 'note', text: warning })] : []));
  if (held) place.focus(); // "Try again" is gone, the keyboard stays here
}
