/** The place for another class of a kept classifier: its name first, then its images. */

import { blame, byId, inputById, tell } from './dom.js';
import { fromInput, sortOut } from './files.js';
import { byFolder } from './folders.js';
import { FoldedPad } from './folded-pad.js';
import { acceptDrops, acceptExamples } from './intake.js';
import { canonical } from './support.js';
import { texts } from './texts.js';

/** @typedef {import('./api.js').KeptExample} KeptExample */
/** @typedef {import('./files.js').Found} Found */

/** Its id among classes whose ids are their labels, none of which is blank: its own may change yet. */
export const NEW = ' ';

/** @param {Found[]} found */
export const lieInFolders = (found) => byFolder(sortOut(found).images).classes.size > 0;

export class OpenedNew {
  element = byId('opened-new');
  #name = inputById('new-class');
  #pad = new FoldedPad('button quiet', (file) => this.take([{ file, folders: [] }]));

  /**
   * @param {HTMLElement} note
   * @param {(label: string, found: Found[]) => Promise<boolean>} give images to a class; tells whether they were added
   * @param {(example: KeptExample, label: string) => void} move
   */
  constructor(note, give, move) {
    this.note = note;
    this.give = give;
    const files = inputById('choose-new-class');
    files.setAttribute('aria-label', texts.addImagesToNew);
    files.addEventListener('change', () => { this.take(fromInput(files.files)); files.value = ''; });
    this.#name.addEventListener('keydown', ({ key, isComposing }) => { if (key === 'Enter' && !isComposing) this.#askForImages(files); });
    this.#pad.describe(texts.drawNew, texts.padNew);
    this.element.append(this.#pad.button, this.#pad.place);
    acceptExamples(this.element, (/** @type {KeptExample} */ example) => example.label !== this.label, (example) => {
      if (this.label) move(example, this.label);
      else this.#wantName();
    });
    acceptDrops(this.element, (found) => this.take(found));
  }

  get label() {
    return canonical(this.#name.value);
  }

  /** @param {Found[]} found @returns {Promise<boolean>} whether images were added */
  async take(found) {
    if (this.label || lieInFolders(found)) return this.give(this.label, found);
    this.#wantName();
    return false;
  }

  /** Forget what was begun. */
  clear() {
    this.#name.value = '';
    this.#pad.fold();
    this.#pad.clear();
  }

  /** Make room for the next one. @param {FoldedPad} pad of the class that has come */
  hasCome(pad) {
    this.#name.value = '';
    if (!this.#pad.isOpen || !this.#pad.isBlank) return;
    this.#pad.fold();
    pad.open(); // whoever draws a new class goes on with it
  }

  /** @param {HTMLInputElement} files goes on with the new class, which has a name now */
  #askForImages(files) {
    if (!this.label) {
      this.#wantName();
      return;
    }
    tell(this.note, texts.imagesNext(this.label));
    files.focus();
  }

  #wantName() {
    tell(this.note, '', texts.nameFirst);
    blame(this.#name, this.note);
    this.#name.focus();
  }
}
