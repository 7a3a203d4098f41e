/** A line below the images of a class, by which one of them moves to another class also without being dragged. */

import { element } from './dom.js';
import { texts } from './texts.js';

/** @typedef {import('./support.js').Example} Example */
/** @typedef {import('./support.js').Group} Group */

export class MoveForm {
  /** @type {{ example: Example, from: Group, picture: HTMLElement } | null} what it is open for */
  #open = null;
  #label = element('label', { for: 'move-to' });
  #select = element('select', { id: 'move-to' });
  #element = element('div', {
    class: 'move-form field-row', onkeydown: (/** @type {KeyboardEvent} */ { key }) => { if (key === 'Escape') this.#cancel(); },
  }, [
    this.#label,
    this.#select,
    element('button', { type: 'button', class: 'button', text: texts.move, onclick: () => this.#move() }),
    element('button', { type: 'button', class: 'button quiet', text: texts.cancel, onclick: () => this.#cancel() }),
  ]);

  /**
   * @param {import('./support.js').SupportSet} support
   * @param {(example: Example, from: Group, to: Group) => void} move
   */
  constructor(support, move) {
    this.support = support;
    this.move = move;
    support.addEventListener('change', () => this.#sync());
  }

  /**
   * Open the form, or close it where it is open for that image.
   * @param {Example} example
   * @param {HTMLElement} picture of it, which was pressed
   * @param {import('./class-row.js').ClassRow} row
   */
  press(example, picture, row) {
    const isOpen = this.#open?.example === example;
    this.#close();
    if (isOpen) return;
    this.#open = { example, from: row.group, picture };
    row.element.insertBefore(this.#element, row.pad.place);
    picture.setAttribute('aria-expanded', 'true');
    this.#label.textContent = texts.moveTo(example.file.name);
    this.#sync();
    this.#select.focus();
  }

  #sync() {
    if (!this.#open) return;
    const { example, from } = this.#open;
    const others = this.support.groups.filter((group) => group !== from);
    if (!others.length || others.length === this.support.groups.length || !from.examples.includes(example)) {
      this.#close();
      return;
    }
    const chosen = this.#select.value;
    this.#select.replaceChildren(...others.map(({ id, label }) => element('option', { value: String(id), text: texts.classOption(label) })));
    this.#select.value = String((others.find(({ id }) => String(id) === chosen) ?? others[0]).id);
  }

  #move() {
    const { example, from } = this.#open ?? {};
    const to = this.support.groups.find(({ id }) => String(id) === this.#select.value);
    if (example && from && to) this.move(example, from, to);
  }

  #cancel() {
    const picture = this.#open?.picture;
    this.#close();
    picture?.focus();
  }

  #close() {
    this.#open?.picture.setAttribute('aria-expanded', 'false');
    this.#open = null;
    this.#element.remove();
  }
}
