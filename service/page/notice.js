/** One line at the foot of the page that offers to take removals back, the last one first, by its button or by Ctrl+Z. */

import { byId, element, takesText } from './dom.js';
import { texts } from './texts.js';

/** @typedef {{ sentence: string, undo: () => void }} Offer */

const SHOWN_FOR = 12_000; // milliseconds without another removal

/** Tells by an `over` event that nothing of what was offered can be taken back any more. */
export class Notice extends EventTarget {
  #place = byId('notice');
  /** @type {Offer[]} the last one is shown: one removal soon after another costs the first nothing */
  #offers = [];
  #timer = 0;
  /** @type {EventTarget | null} where the keyboard came from */
  #before = null;

  constructor() {
    super();
    document.addEventListener('keydown', (event) => this.#key(event));
  }

  /**
   * @param {string} sentence
   * @param {() => void} undo
   */
  offer(sentence, undo) {
    this.#offers.push({ sentence, undo });
    this.#show(sentence);
  }

  /** @param {string} sentence */
  #show(sentence) {
    const button = element('button', {
      type: 'button', class: 'button', text: texts.undo, onclick: () => this.#takeBack(),
      onfocus: (/** @type {FocusEvent} */ event) => {
        this.#before = event.relatedTarget;
        window.clearTimeout(this.#timer); // whoever reaches it by keyboard has the time to press it
      },
      onblur: () => this.#endLater(),
    });
    this.#place.replaceChildren(element('span', { text: sentence }), button);
    this.#endLater();
  }

  #takeBack() {
    const offer = this.#offers.pop();
    offer?.undo();
    if (this.#place.contains(document.activeElement) && this.#before instanceof HTMLElement) this.#before.focus();
    const earlier = this.#offers.at(-1);
    if (earlier) this.#show(earlier.sentence);
    else this.#end();
  }

  #endLater() {
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#end(), SHOWN_FOR);
  }

  #end() {
    window.clearTimeout(this.#timer);
    this.#offers = [];
    this.#place.replaceChildren();
    this.dispatchEvent(new Event('over'));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    // Names and sheets have an undo of their own.
    if (event.key.toLowerCase() !== 'z' || !(event.ctrlKey || event.metaKey) || event.shiftKey) return;
    if (!this.#offers.length || event.defaultPrevented || takesText(event.target)) return;
    event.preventDefault();
    this.#takeBack();
  }
}
