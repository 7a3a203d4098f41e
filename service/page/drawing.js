/** A sheet to draw on: dark ink on light paper, by mouse, finger or pen, with undo and clear. */

import { element } from './dom.js';
import { texts } from './texts.js';

/** @typedef {{ x: number, y: number }} Point in pixels of the sheet */

const SIDE = 448; // pixels of the drawing, whatever its size on the screen
const PEN = 13; // pixels; relative to the sheet, as bold as the pen of the drawings in the training data
const PAPER = '#ffffff';
const INK = '#0b1c2e';

export class DrawingPad {
  /** @type {Point[][]} */
  #strokes = [];
  /** @type {number | null} the pointer that draws; other fingers are ignored */
  #pointer = null;
  /** Where the sheet was when the pen came down: if it moves under the pen, the stroke goes on unbroken. */
  #box = { left: 0, top: 0, width: SIDE, height: SIDE };
  #context;

  /**
   * @param {string} label for those who do not see the sheet
   * @param {{ onBegin?: () => void, onChange: () => void }} listeners `onChange` after a stroke, undo or clear
   */
  constructor(label, { onBegin = () => {}, onChange }) {
    this.onBegin = onBegin;
    this.onChange = onChange;
    this.canvas = element('canvas', {
      class: 'paper', width: String(SIDE), height: String(SIDE), tabindex: '0', role: 'img', 'aria-label': label,
      onpointerdown: (event) => this.#press(event),
      onpointermove: (event) => this.#drag(event),
      onpointerup: (event) => this.#lift(event),
      onpointercancel: (event) => this.#lift(event),
      onkeydown: (event) => this.#key(event),
    });
    const context = this.canvas.getContext('2d');
    if (!context) throw new Error('This browser cannot draw on a canvas.');
    this.#context = context;
    this.undoButton = element('button', { type: 'button', class: 'button quiet', text: texts.undo, onclick: () => this.undo() });
    this.clearButton = element('button', { type: 'button', class: 'button quiet', text: texts.clear, onclick: () => this.clear() });
    this.tools = element('div', { class: 'pad-tools' }, [this.undoButton, this.clearButton]);
    this.invitation = element('span', { class: 'invitation', 'aria-hidden': 'true', text: texts.drawHere });
    this.element = element('div', { class: 'pad' }, [element('div', { class: 'pad-sheet' }, [this.canvas, this.invitation]), this.tools]);
    this.#paint();
  }

  get isBlank() {
    return !this.#strokes.length;
  }

  /** What is drawn, to put it back later. */
  get strokes() {
    return [...this.#strokes];
  }

  /** @param {Point[][]} strokes in place of what is drawn */
  show(strokes) {
    this.#strokes = [...strokes];
    this.#edited();
  }

  undo() {
    if (this.isBlank) return;
    this.#strokes.pop();
    this.#edited();
  }

  clear() {
    if (this.isBlank) return;
    this.#strokes = [];
    this.#edited();
  }

  #edited() {
    this.#pointer = null; // a stroke that is being drawn ends with it, or its rest would join the one before
    this.#paint();
    if (this.isBlank) this.canvas.focus(); // the buttons are off now and would lose the focus
    this.onChange();
  }

  /** @param {string} name @returns {Promise<File>} */
  toFile(name) {
    return new Promise((done, failed) => {
      this.canvas.toBlob((blob) => {
        if (blob) done(new File([blob], name, { type: 'image/png' }));
        else failed(new Error('The browser could not encode the drawing.'));
      });
    });
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (this.#pointer !== null || event.button !== 0) return;
    this.#pointer = event.pointerId;
    this.#box = this.canvas.getBoundingClientRect();
    this.canvas.setPointerCapture(event.pointerId);
    this.#strokes.push([this.#point(event)]);
    this.#paint();
    this.onBegin();
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    if (event.pointerId !== this.#pointer) return;
    // Coalesced events are the positions between two frames: without them a fast stroke has corners.
    const between = event.getCoalescedEvents?.() ?? [];
    this.#strokes.at(-1)?.push(...(between.length ? between : [event]).map((one) => this.#point(one)));
    this.#paint();
  }

  /** @param {PointerEvent} event */
  #lift(event) {
    if (event.pointerId !== this.#pointer) return;
    this.#pointer = null;
    this.onChange();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'z') {
      event.preventDefault();
      this.undo();
    }
  }

  /** @param {PointerEvent} event @returns {Point} */
  #point(event) {
    const { left, top, width, height } = this.#box;
    return { x: ((event.clientX - left) / width) * SIDE, y: ((event.clientY - top) / height) * SIDE };
  }

  #paint() {
    const context = this.#context;
    context.fillStyle = PAPER;
    context.fillRect(0, 0, SIDE, SIDE);
    Object.assign(context, { strokeStyle: INK, lineWidth: PEN, lineCap: 'round', lineJoin: 'round' });
    for (const stroke of this.#strokes) {
      context.beginPath();
      context.moveTo(stroke[0].x, stroke[0].y);
      // Curves through the midpoints, with the positions as control points, leave no corners.
      for (let index = 1; index < stroke.length - 1; index += 1) {
        const [point, next] = [stroke[index], stroke[index + 1]];
        context.quadraticCurveTo(point.x, point.y, (point.x + next.x) / 2, (point.y + next.y) / 2);
      }
      const last = stroke[stroke.length - 1];
      context.lineTo(last.x, last.y);
      context.stroke();
    }
    this.invitation.hidden = !this.isBlank;
    this.undoButton.disabled = this.isBlank;
    this.clearButton.disabled = this.isBlank;
  }
}
