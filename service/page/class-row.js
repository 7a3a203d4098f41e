/** One class on the page: its name, its images, and the ways to add more. */

import { element, tell } from './dom.js';
import { doubtNote, markDoubts } from './doubt-marks.js';
import { fromInput } from './files.js';
import { FoldedPad } from './folded-pad.js';
import { keepOnly, putAt } from './in-order.js';
import { acceptDrops, acceptExamples } from './intake.js';
import { Reading } from './reading.js';
import { removeButton } from './remove-button.js';
import { LONGEST_LABEL } from './support.js';
import { texts } from './texts.js';
import { tile } from './tile.js';
import { stopped } from './wording.js';

/** @typedef {import('./support.js').Group} Group */
/** @typedef {import('./support.js').Example} Example */
/** @typedef {import('./files.js').Found} Found */
/**
 * @typedef {object} RowActions
 * @property {(label: string) => void} rename
 * @property {() => void} removeGroup
 * @property {(example: Example) => void} removeExample
 * @property {(example: Example) => void} moveHere
 * @property {(example: Example, picture: HTMLElement) => void} askWhereTo the image of that picture shall go
 * @property {(found: Found[]) => void} take
 * @property {(example: Example) => string | null} resembled the class that it looks more like
 */

export const ACCEPT = 'image/png,image/jpeg,image/webp,image/bmp';

export class ClassRow {
  /** @type {Map<Example, HTMLElement>} */
  #tiles = new Map();
  #doing = '';
  #trouble = '';
  #leftOut = '';

  /** @param {Group} group @param {RowActions} actions */
  constructor(group, actions) {
    this.group = group;
    this.actions = actions;
    this.name = element('input', {
      class: 'class-name', type: 'text', maxlength: String(LONGEST_LABEL), autocomplete: 'off', spellcheck: 'false', value: group.label,
      placeholder: texts.classNameHint, 'aria-describedby': `name-problem-${group.id}`,
      oninput: () => actions.rename(this.name.value),
      onfocus: () => this.name.select(),
      // Enter that ends the composing of a character is no end of the name.
      onkeydown: (/** @type {KeyboardEvent} */ { key, isComposing }) => { if (key === 'Enter' && !isComposing) this.name.blur(); },
    });
    this.count = element('span', { class: 'class-count' });
    this.removeButton = removeButton('', actions.removeGroup);
    this.input = element('input', {
      type: 'file', class: 'hidden-input', accept: ACCEPT, multiple: true,
      onchange: () => { actions.take(fromInput(this.input.files)); this.input.value = ''; },
    });
    const choose = element('label', { class: 'tile add' }, [element('span', { text: texts.chooseImages }), this.input]);
    this.pad = new FoldedPad('tile add', async (file) => { actions.take([{ file, folders: [] }]); return true; });
    this.empty = element('p', { class: 'tray-empty', text: texts.emptyTray });
    this.tray = element('div', { class: 'tray' }, [this.empty, element('div', { class: 'adders' }, [choose, this.pad.button])]);
    this.doubts = doubtNote();
    this.reading = new Reading((sentence) => { this.#doing = sentence; this.#tell(); });
    // No role of its own: the box above the sheet says it already.
    this.nameProblem = element('p', { class: 'name-problem', id: `name-problem-${group.id}` });
    this.note = element('p', { class: 'note', role: 'status' });
    this.element = element('li', { class: 'class-row', 'data-group': String(group.id) }, [
      element('div', { class: 'class-head' }, [this.name, this.count, this.removeButton]), this.nameProblem, this.tray, this.doubts, this.pad.place, this.note,
    ]);
    acceptExamples(this.element, (example) => !this.group.examples.includes(example), actions.moveHere);
    acceptDrops(this.element, actions.take);
  }

  /**
   * Show the class as it is now.
   * @param {number} number of the row, from 1: what the field of the name is called stays while it is typed
   * @param {import('./support.js').Obstacle | null} obstacle
   * @param {boolean} isAlone no image can go to another class
   */
  sync(number, obstacle, isAlone) {
    const { label, examples } = this.group;
    if (document.activeElement !== this.name) this.name.value = label;
    this.name.setAttribute('aria-label', texts.className(number));
    this.removeButton.setAttribute('aria-label', texts.removeClass(label));
    this.removeButton.title = texts.removeClass(label);
    this.input.setAttribute('aria-label', texts.chooseImagesFor(label));
    this.pad.describe(texts.drawFor(label), texts.padFor(label));
    this.count.textContent = examples.length ? texts.imageCount(examples.length) : '';
    this.empty.hidden = examples.length > 0;
    keepOnly(this.#tiles, new Set(examples), (one) => one);
    examples.forEach((example, index) => {
      const shown = this.#tileOf(example);
      shown.classList.toggle('is-bad', example.problem !== null);
      shown.querySelector('img')?.setAttribute('aria-disabled', String(isAlone));
      shown.querySelector('button')?.setAttribute('aria-label', texts.removeImage(example.file.name, label));
      putAt(this.tray, index, shown);
    });
    markDoubts(this.doubts, examples.map((example) => (
      { shown: this.#tileOf(example), name: example.file.name, resembles: this.actions.resembled(example) }
    )));
    const bad = examples.find((example) => example.problem);
    const misnamed = obstacle?.misnamed === this.group.id;
    this.element.classList.toggle('has-problem', Boolean(bad) || misnamed);
    this.name.setAttribute('aria-invalid', String(misnamed));
    this.nameProblem.textContent = misnamed ? obstacle.sentence : '';
    this.#trouble = bad?.problem ? stopped(bad.problem) : '';
    this.#tell();
  }

  /** @param {string} note what was left out of the images given last; shown until others are given */
  report(note) {
    this.#leftOut = note;
    this.#tell();
  }

  #tell() {
    tell(this.note, this.#doing, [this.#trouble, this.#leftOut].filter(Boolean).join(' '));
  }

  /** @param {Example} example */
  #tileOf(example) {
    const known = this.#tiles.get(example);
    if (known) return known;
    const remove = () => this.withoutLoss(example, 'button', () => this.actions.removeExample(example));
    const made = tile(
      'figure', { image: example, name: example.file.name, src: example.url, loading: 'eager' },
      (picture) => this.actions.askWhereTo(example, picture),
      removeButton('', remove),
    );
    this.#tiles.set(example, made);
    return made;
  }

  /**
   * Let an image go, and the focus to its neighbour, so that the keyboard does not fall back to the top of the page.
   * @param {Example} example
   * @param {'button' | 'img'} part of the neighbour
   * @param {() => void} act
   */
  withoutLoss(example, part, act) {
    const beside = this.group.examples[this.group.examples.indexOf(example) + 1] ?? this.group.examples.at(-2);
    act();
    (beside ? this.#tiles.get(beside)?.querySelector(part) : this.input)?.focus();
  }
}
