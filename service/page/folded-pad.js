/** A sheet to draw examples of a class on, folded away until its button is pressed. */

import { element } from './dom.js';
import { DrawingPad } from './drawing.js';
import { texts } from './texts.js';

export class FoldedPad {
  #label = '';
  /** @type {DrawingPad | null} made when it is first wanted */
  #pad = null;

  /**
   * @param {string} look classes of the button
   * @param {(drawing: File) => Promise<boolean>} take whether it has been taken; if not, it comes back onto the sheet
   */
  constructor(look, take) {
    this.take = take;
    this.button = element('button', {
      type: 'button', class: look, 'aria-expanded': 'false', text: texts.draw, onclick: () => this.#press(),
    });
    this.place = element('div', { class: 'class-pad', hidden: true });
  }

  get isOpen() {
    return !this.place.hidden;
  }

  get isBlank() {
    return this.#pad?.isBlank ?? true;
  }

  /** Say to those who do not see it what the button and the sheet are for. @param {string} button @param {string} sheet */
  describe(button, sheet) {
    this.button.setAttribute('aria-label', button);
    this.#label = sheet;
    this.#pad?.canvas.setAttribute('aria-label', sheet);
  }

  open() {
    this.#unfold();
    this.#pad ??= this.#made();
    this.#pad.canvas.focus();
  }

  clear() {
    this.#pad?.clear();
  }

  #unfold() {
    this.place.hidden = false;
    this.button.setAttribute('aria-expanded', 'true');
  }

  fold() {
    this.place.hidden = true;
    this.button.setAttribute('aria-expanded', 'false');
  }

  #press() {
    if (this.isOpen) {
      this.fold();
      this.button.focus(); // also where "Done" had it, which is hidden now
    } else this.open();
  }

  /** @param {DrawingPad} pad @returns {Promise<boolean>} whether its drawing was taken; if not, it is back on the sheet */
  async #add(pad) {
    const drawn = pad.strokes;
    const file = await pad.toFile(texts.drawingName);
    pad.clear();
    const isTaken = await this.take(file);
    if (!isTaken && pad.isBlank) pad.show(drawn);
    return isTaken;
  }

  #made() {
    const pad = new DrawingPad(this.#label, { onChange: () => { add.disabled = pad.isBlank; }, onBegin: () => { add.disabled = false; } });
    const add = element('button', {
      type: 'button', class: 'button primary', disabled: true, text: texts.addDrawing,
      onclick: () => {
        pad.canvas.focus();
        this.#add(pad);
      },
    });
    const done = element('button', {
      type: 'button', class: 'button quiet', text: texts.closePad,
      onclick: async () => {
        this.#press();
        // Whoever is done with a drawing means to give it.
        if (!pad.isBlank && !await this.#add(pad)) this.#unfold();
      },
    });
    pad.tools.prepend(add);
    pad.tools.append(done);
    this.place.append(pad.element);
    return pad;
  }
}
