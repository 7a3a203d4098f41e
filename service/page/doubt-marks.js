/** Shows which images of a class may belong to another one: a mark on each, and a sentence below them. */

import { debounced, element, say } from './dom.js';
import { texts } from './texts.js';

const AFTER_ANSWERS = 1500; // milliseconds: what is said about those comes first, and is not replaced before it is heard

/** @typedef {{ shown: HTMLElement, name: string, resembles: string | null }} Tile an image of a class, and the class that it looks more like */

/** @returns {HTMLElement} for the sentence, which is not spoken: `sayDoubts` tells of all classes at once */
export const doubtNote = () => element('p', { class: 'hint doubts' });

/** @param {HTMLElement} note @param {Tile[]} tiles of one class */
export function markDoubts(note, tiles) {
  for (const { shown, name, resembles } of tiles) {
    const sentence = resembles === null ? texts.moveImage(name) : texts.moveDoubtful(name, resembles);
    shown.classList.toggle('is-doubtful', resembles !== null);
    for (const attribute of ['aria-label', 'title']) shown.querySelector('img')?.setAttribute(attribute, sentence);
  }
  const count = tiles.filter(({ resembles }) => resembles !== null).length;
  note.textContent = count ? texts.doubts(count) : '';
}

/** Tell a screen reader of each doubt once. @param {import('./doubts.js').Doubts} doubts */
export function sayDoubts(doubts) {
  const told = new Set();
  const tell = debounced(AFTER_ANSWERS, () => {
    const { all } = doubts;
    // Not by their ids, which are new with each change of the own classes.
    const fresh = all.filter(({ filename, label, resembles }) => !told.has([filename, label, resembles].join('\n')));
    for (const { filename, label, resembles } of fresh) told.add([filename, label, resembles].join('\n'));
    if (fresh.length === 1) say(texts.spokenDoubt(fresh[0].filename, fresh[0].label, fresh[0].resembles));
    else if (fresh.length) say(texts.spokenDoubts(fresh.length));
  });
  doubts.addEventListener('change', () => {
    if (!doubts.all.length) told.clear(); // they were solved, or are about other classes from now on
    tell.call();
  });
}
