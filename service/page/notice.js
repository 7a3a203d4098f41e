/**
 * One line at the end of a column, in view as long as the column is: it offers to take changes back, the last one first,
 * by its button or by Ctrl+Z.
 */

import { cross, element, say, takesText } from './dom.js';
import { texts } from './texts.js';

/** @typedef {() => void | Promise<boolean>} Undo a promise tells whether it could be done */
/** @typedef {{ sentence: string, undo: Undo }} Offer */

const UNDO_KEYS = /^(Mac|iP)/.test(globalThis.navigator?.platform ?? '') ? texts.undoKeysOfMac : texts.undoKeys;

/** Tells by an `over` event that nothing of what was offered can be taken back any more. */
export class Notice extends EventTarget {
  /** @type {HTMLElement} */
  #place;
  /** @type {Offer[]} the last one is shown: one change after another costs the first nothing */
  #offers = [];
  /** @type {EventTarget | null} where the keyboard came from */
  #before = null;

  /** @param {HTMLElement} column that the offers are about: while it is hidden, so are they */
  constructor(column) {
    super();
    this.column = column;
    this.#place = /** @type {HTMLElement} */ (column.querySelector('.notice'));
    document.addEventListener('keydown', (event) => this.#key(event));
  }

  /**
   * Offer it for as long as the user wants: however slow, everyone is to reach it.
   * @param {string} sentence
   * @param {Undo} undo
   */
  offer(sentence, undo) {
    this.#offers.push({ sentence, undo });
    this.#show(sentence);
  }

  /** @param {string} sentence */
  #show(sentence) {
    const onfocus = (/** @type {FocusEvent} */ { relatedTarget }) => {
      if (!(relatedTarget instanceof Element && this.#place.contains(relatedTarget))) this.#before = relatedTarget;
    };
    const undo = element('button', {
      type: 'button', class: 'button', text: texts.undo, 'aria-keyshortcuts': 'Control+Z Meta+Z', onfocus, onclick: () => this.#takeBack(),
    });
    const close = element('button', {
      type: 'button', class: 'icon', 'aria-label': texts.closeNotice, title: texts.closeNotice, onfocus, onclick: () => this.#close(),
    }, [cross()]);
    const former = [...this.#place.children];
    const parts = [element('span', { text: sentence }), undo, element('span', { class: 'notice-keys', text: UNDO_KEYS }), close];
    const held = former.findIndex((one) => one === document.activeElement);
    this.#place.append(...parts);
    if (held >= 0) parts[held].focus(); // before the former one goes, which would let the keyboard fall back to the top of the page
    for (const one of former) one.remove();
  }

  async #takeBack() {
    const isDone = this.#offers.pop()?.undo();
    this.#leave();
    const earlier = this.#offers.at(-1);
    if (earlier) this.#show(texts.before(earlier.sentence)); // or it would read as what has just come of undoing
    else this.end();
    if (await isDone !== false) say(texts.undone);
  }

  #close() {
    this.#leave();
    this.end();
  }

  /** Put the keyboard back to where it came from, or, if that has been removed since, to the top of the column. */
  #leave() {
    if (!this.#place.contains(document.activeElement) || !(this.#before instanceof HTMLElement)) return;
    (this.#before.isConnected ? this.#before : this.column.querySelector('h2'))?.focus();
  }

  /** Withdraw all that was offered. */
  end() {
    this.#offers = [];
    this.#place.replaceChildren();
    this.dispatchEvent(new Event('over'));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    // Names and sheets have an undo of their own.
    if (event.key.toLowerCase() !== 'z' || !(event.ctrlKey || event.metaKey) || event.shiftKey) return;
    if (!this.#offers.length || this.column.hidden || event.defaultPrevented || takesText(event.target)) return;
    event.preventDefault();
    this.#takeBack();
  }
}
