/** A line below images, by which one of them goes to a class also without being dragged. */

import { element } from './dom.js';
import { texts } from './texts.js';

/**
 * @typedef {{ id: number | string }} Image
 * @typedef {{ id: number | string, label: string, examples: Image[] }} Class
 */

export class MoveForm {
  /** @type {{ id: Image['id'], picture: HTMLElement } | null} the image that it is open for */
  #open = null;
  #label;
  #select;
  #element;

  /**
   * @param {string} id of its field, one of its own on the page
   * @param {() => Class[]} classes as they are now
   * @param {(image: any, to: any) => void} move an image of one of these classes, to another one of them
   * @param {{ to: (name: string) => string, act: string }} [words] what is asked, and what the button says
   */
  constructor(id, classes, move, words = { to: texts.moveTo, act: texts.move }) {
    this.classes = classes;
    this.move = move;
    this.words = words;
    this.#label = element('label', { for: id });
    this.#select = element('select', { id });
    this.#element = element('div', {
      class: 'move-form field-row', onkeydown: (/** @type {KeyboardEvent} */ { key }) => { if (key === 'Escape') this.cancel(); },
    }, [
      this.#label,
      this.#select,
      element('button', { type: 'button', class: 'button', text: words.act, onclick: () => this.#move() }),
      element('button', { type: 'button', class: 'button quiet', text: texts.cancel, onclick: () => this.cancel() }),
    ]);
  }

  /**
   * Open the form, or close it where it is open for that image.
   * @param {Image} image
   * @param {string} name of it
   * @param {HTMLElement} picture of it, which was pressed
   * @param {(form: HTMLElement) => void} put the form where it belongs
   * @param {Class['id']} [likeliest] class to begin with
   */
  press({ id }, name, picture, put, likeliest) {
    const isOpen = this.#open?.id === id;
    this.#close();
    if (isOpen) return;
    this.#open = { id, picture };
    put(this.#element);
    picture.setAttribute('aria-expanded', 'true');
    this.#label.textContent = this.words.to(name);
    this.sync(likeliest);
    this.#select.focus();
  }

  /** Follow the classes: the form goes with its image, or with the last other class. @param {Class['id']} [likeliest] class, to choose it */
  sync(likeliest) {
    if (!this.#open) return;
    const { from, others } = this.#around(this.#open.id);
    if (!others.length || !from || !this.#open.picture.isConnected || this.#open.picture.closest('[hidden]')) {
      this.#close();
      return;
    }
    const chosen = likeliest === undefined ? this.#select.value : String(likeliest);
    this.#select.replaceChildren(...others.map(({ id, label }) => element('option', { value: String(id), text: texts.classOption(label) })));
    this.#select.value = String((others.find(({ id }) => String(id) === chosen) ?? others[0]).id);
  }

  /** Close the form, and let the keyboard back to the picture that opened it. */
  cancel() {
    const picture = this.#open?.picture;
    this.#close();
    picture?.focus();
  }

  /** @param {Image['id']} id */
  #around(id) {
    const all = this.classes();
    const from = all.find(({ examples }) => examples.some((one) => one.id === id));
    return { from, others: all.filter((one) => one !== from) };
  }

  #move() {
    if (!this.#open) return;
    const { id } = this.#open;
    const { from, others } = this.#around(id);
    const to = others.find((one) => String(one.id) === this.#select.value);
    if (from && to) this.move(from.examples.find((one) => one.id === id), to);
  }

  #close() {
    this.#open?.picture.setAttribute('aria-expanded', 'false');
    this.#open = null;
    this.#element.remove();
  }
}
