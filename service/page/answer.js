/** Shows the answer about one image: the likeliest class, one bar per class, and the examples that explain it. */

import { breakable, element } from './dom.js';
import { keepOnly, putAt, sortedBy } from './in-order.js';
import { shortened } from './names.js';
import { texts } from './texts.js';
import { percent, stopped } from './wording.js';

/** @typedef {import('./api.js').Prediction} Prediction */
/** @typedef {import('./api.js').Neighbour} Neighbour */
/** @typedef {import('./queries.js').Query} Query */

const MOST_NEIGHBOURS = 4;
/** How many characters of a name are shown; all of them are told to those who hear it, or point at it. */
const MOST_OF = { winner: 48, label: 60, tile: 24 };
const LONG = 16; // characters of a label that may have no room beside its bar

export class Answer {
  /** @type {Map<string, { row: HTMLElement, fill: HTMLElement, meter: HTMLElement, number: HTMLElement }>} */
  #bars = new Map();
  /** @type {Prediction | null} */
  #shown = null;
  /** @type {Query | null} */
  #query = null;

  /**
   * @param {(neighbour: Neighbour) => string | null} thumbnailOf address of its image
   * @param {() => void} tryAgain asks about this image, and all others that were not answered
   * @param {number} mostBars of more classes, the likeliest are shown
   * @param {() => string[]} labels of all classes, in the order of the bars
   * @param {(query: Query) => void} useAsExample asks of which class
   */
  constructor(thumbnailOf, tryAgain, mostBars, labels, useAsExample = () => {}) {
    this.thumbnailOf = thumbnailOf;
    this.mostBars = mostBars;
    this.labels = labels;
    this.again = element('button', { type: 'button', class: 'button again', text: texts.tryAgain, hidden: true, onclick: tryAgain });
    this.winner = element('p', { class: 'winner', tabindex: '-1' });
    this.closest = element('p', { class: 'hint closest' });
    this.list = element('ul', { class: 'bars' });
    this.nearest = element('div', { class: 'nearest' });
    this.timing = element('p', { class: 'hint timing' });
    this.use = element('button', {
      type: 'button', class: 'button quiet use', text: texts.useAsExample, hidden: true, 'aria-expanded': 'false',
      onclick: () => { if (this.#query) useAsExample(this.#query); },
    });
    this.used = element('p', { class: 'hint used' }); // what came of it
    this.foot = element('div', { class: 'answer-foot' }, [this.use, this.used]);
    const parts = [this.winner, this.again, this.closest, this.list, this.nearest, this.timing, this.foot];
    this.element = element('div', { class: 'answer' }, parts);
  }

  /** @param {Query | null} query */
  show(query) {
    this.#query = query;
    const prediction = query?.prediction ?? null;
    this.element.dataset.state = query?.state ?? 'blank';
    this.element.setAttribute('aria-busy', String(query?.state === 'asking'));
    this.element.classList.toggle('is-unknown', prediction?.unknown ?? false);
    const held = [this.again, this.use].find((one) => one === document.activeElement);
    this.again.hidden = !(query?.state === 'failed' && query.again);
    if (query && !this.again.hidden) this.again.setAttribute('aria-label', texts.tryAgainFor(query.file.name));
    this.use.hidden = !prediction;
    if (held?.hidden) this.winner.focus();
    if (query && prediction && query.state !== 'failed') this.#showPrediction(query, prediction);
    else this.#showSentence(query);
  }

  /** @param {Query | null} query */
  #showSentence(query) {
    const problem = query?.problem ? stopped(query.problem) : '';
    const sentences = { waiting: problem || texts.pendingAnswer, asking: texts.asking, answered: '', failed: problem };
    this.winner.textContent = query ? sentences[query.state] : texts.blankAnswer;
    this.winner.title = '';
    this.closest.textContent = '';
    this.closest.title = '';
    this.timing.textContent = '';
    this.nearest.replaceChildren();
    this.list.replaceChildren();
    this.#bars.clear();
    this.#shown = null;
  }

  /** @param {Query} query @param {Prediction} prediction */
  #showPrediction(query, prediction) {
    this.timing.textContent = query.timing && query.state === 'asking' ? texts.askingAgain : query.timing;
    if (prediction === this.#shown) return; // it is about the classes as they were: newer ones would only reorder it
    this.#shown = prediction;
    this.used.textContent = ''; // the answer shows it
    this.winner.textContent = prediction.unknown ? texts.unknown : shortened(prediction.label, MOST_OF.winner);
    this.winner.title = prediction.label; // whole where a long one is cut
    this.closest.textContent = prediction.unknown ? texts.closest(prediction.label) : '';
    this.closest.title = prediction.label;
    const shares = shownShares(prediction, this.mostBars, this.labels());
    // Of all classes, not of those shown: bars must not jump while one draws.
    this.list.classList.toggle('has-long', Object.keys(prediction.probabilities).some((label) => [...label].length > LONG));
    keepOnly(this.#bars, new Set(shares.map(([label]) => label)), (bar) => bar.row);
    shares.forEach(([label, share], index) => {
      const bar = this.#bar(label);
      bar.row.classList.toggle('is-winner', label === prediction.label && !prediction.unknown);
      bar.fill.style.width = `${share * 100}%`;
      bar.meter.setAttribute('aria-valuenow', String(Math.round(share * 1e4) / 1e4)); // 3e-7 is no number to ARIA
      bar.meter.setAttribute('aria-valuetext', percent(share));
      bar.number.textContent = percent(share);
      putAt(this.list, index, bar.row);
    });
    this.#showNearest(prediction.nearest ?? []);
  }

  /** @param {string} label */
  #bar(label) {
    const known = this.#bars.get(label);
    if (known) return known;
    const fill = element('span', { class: 'bar-fill' });
    const meter = element('span', { class: 'bar', role: 'meter', 'aria-label': label, 'aria-valuemin': '0', 'aria-valuemax': '1' }, [fill]);
    // The meter says both to a screen reader.
    const name = element('span', { class: 'bar-label', title: label, text: shortened(label, MOST_OF.label), 'aria-hidden': 'true' });
    const number = element('span', { class: 'bar-number', 'aria-hidden': 'true' });
    const row = element('li', { class: 'bar-row' }, [name, meter, number]);
    const bar = { row, fill, meter, number };
    this.#bars.set(label, bar);
    return bar;
  }

  /** @param {Neighbour[]} neighbours */
  #showNearest(neighbours) {
    if (!neighbours.length) {
      this.nearest.replaceChildren();
      return;
    }
    const figures = neighbours.slice(0, MOST_NEIGHBOURS).map((one) => this.#figure(one, this.thumbnailOf(one)));
    this.nearest.replaceChildren(element('p', { class: 'hint', text: texts.nearest }), element('div', { class: 'nearest-row' }, figures));
  }

  /** @param {Neighbour} neighbour @param {string | null} url of its picture @returns {HTMLElement} */
  #figure(neighbour, url) {
    const { label, filename, similarity } = neighbour;
    const withoutPicture = () => made.replaceWith(this.#figure(neighbour, null)); // it may have been removed since
    const picture = url
      ? element('img', { src: url, alt: '', title: filename, draggable: 'false', onerror: withoutPicture })
      : element('span', { class: 'no-picture', title: label }, [element('span', { text: shortened(label, MOST_OF.tile) })]);
    const name = url ? label : filename;
    const short = shortened(name, MOST_OF.tile);
    const caption = element('figcaption', {}, [
      element('span', { class: 'nearest-name', dir: url ? 'auto' : 'ltr', title: name }, url ? [short] : breakable(short)), ' ',
      element('span', { text: texts.similarity(similarity) }),
    ]);
    const made = element('figure', {}, [picture, caption]);
    return made;
  }
}

/**
 * All classes in the order of `labels`, so that bars stay in place while one draws; of many, the most probable.
 * @param {Prediction} prediction
 * @param {number} most
 * @param {string[]} labels
 * @returns {[string, number][]} shares that sum to 1
 */
function shownShares({ probabilities }, most, labels) {
  const shares = sortedBy(labels, Object.entries(probabilities), ([label]) => label);
  if (shares.length <= most) return shares;
  const sorted = [...shares].sort((one, other) => other[1] - one[1]);
  const top = sorted.slice(0, most - 2);
  const rest = sorted.slice(most - 2);
  return [...top, [texts.others(rest.length), rest.reduce((sum, [, share]) => sum + share, 0)]];
}
