/** A kept classifier that was opened: its classes, more images for them, and more classes. */

import { addExamples, deleteExample, Problem } from './api.js';
import { copyAll } from './copies.js';
import { byId, inputById } from './dom.js';
import { fromInput, namedApart, noteOf, sortOut } from './files.js';
import { FoldedPad } from './folded-pad.js';
import { acceptDrops } from './intake.js';
import { offerUndo } from './notice.js';
import { OpenedRow } from './opened-row.js';
import { canonical } from './support.js';
import { texts } from './texts.js';

/** @typedef {import('./api.js').Task} Task */
/** @typedef {import('./files.js').Found} Found */

export class OpenedTask {
  /** @type {Task | null} */
  #task = null;
  /** @type {Map<string, OpenedRow>} label to row */
  #rows = new Map();
  #list = byId('opened-classes');
  #new = byId('opened-new');
  #newName = inputById('new-class');
  #newPad = new FoldedPad('button quiet', (file) => this.#takeNew([{ file, folders: [] }]));
  #note = byId('opened-note');
  /** @type {Promise<unknown>} what was given last, on its way */
  #adding = Promise.resolve();

  /** @param {(task: Task) => void} changed called with a task that has other examples now */
  constructor(changed) {
    this.changed = changed;
    const files = inputById('choose-new-class');
    files.setAttribute('aria-label', texts.addImagesToNew);
    files.addEventListener('change', () => { this.#takeNew(fromInput(files.files)); files.value = ''; });
    this.#newPad.describe(texts.drawNew, texts.padNew);
    this.#new.append(this.#newPad.button, this.#newPad.place);
    acceptDrops(this.#new, (found) => this.#takeNew(found));
  }

  /** @param {Task | null} task */
  show(task) {
    byId('own').hidden = task !== null;
    byId('opened').hidden = task === null;
    if (task === this.#task) return;
    if (task?.id !== this.#task?.id) this.#begin();
    this.#task = task;
    if (!task) return;
    byId('opened-heading').textContent = task.name || texts.untitled;
    const labels = new Set(task.classes.map((one) => one.label));
    for (const [label, row] of this.#rows) {
      if (labels.has(label)) continue;
      row.element.remove();
      this.#rows.delete(label);
    }
    task.classes.forEach(({ label, examples }, index) => {
      const row = this.#rowOf(label);
      row.sync(examples);
      if (this.#list.children[index] !== row.element) this.#list.insertBefore(row.element, this.#list.children[index] ?? null);
    });
    const come = this.#rows.get(canonical(this.#newName.value));
    if (!come) return;
    this.#newName.value = '';
    if (!this.#newPad.isOpen || !this.#newPad.isBlank) return;
    this.#newPad.fold();
    come.pad.open(); // whoever draws a new class goes on with it
  }

  /**
   * @param {Element} target the focused element
   * @returns {((found: Found[]) => void) | null} who takes a paste there; null outside of every class
   */
  receiverAt(target) {
    if (this.#new.contains(target)) return (found) => this.#takeNew(found);
    const [label] = [...this.#rows].find(([, row]) => row.element.contains(target)) ?? [null];
    return label === null ? null : (found) => this.#take(label, found);
  }

  /** Forget what was shown of another classifier. */
  #begin() {
    this.#note.textContent = this.#newName.value = '';
    this.#newPad.fold();
    this.#newPad.clear();
    this.#rows.clear();
    this.#list.replaceChildren();
  }

  /** @param {string} label */
  #rowOf(label) {
    const row = this.#rows.get(label) ?? new OpenedRow(label, (found) => this.#take(label, found));
    this.#rows.set(label, row);
    return row;
  }

  /** @param {Found[]} found @returns {Promise<boolean>} whether images were added */
  async #takeNew(found) {
    const label = canonical(this.#newName.value);
    if (label) return this.#take(label, found);
    this.#note.textContent = texts.nameFirst;
    this.#newName.focus();
    return false;
  }

  /**
   * One after the other: names are told apart from those of what came before.
   * @param {string} label
   * @param {Found[]} found
   * @returns {Promise<boolean>} whether images were added
   */
  #take(label, found) {
    const task = this.#task;
    if (!task) return Promise.resolve(false);
    const latest = () => (this.#task?.id === task.id ? this.#task : task);
    const added = this.#adding.catch(() => {}).then(() => this.#add(latest(), label, found));
    this.#adding = added;
    return added;
  }

  /** @param {Task} task @param {string} label @param {Found[]} found */
  async #add(task, label, found) {
    const { images, refused, closed } = sortOut(found);
    let note = noteOf(images, refused, closed);
    this.#note.textContent = [note, images.length ? texts.adding(images.length) : ''].filter(Boolean).join(' ');
    if (!images.length) return false;
    const before = task.examples ?? [];
    let isAdded = false;
    await this.#reporting(async () => {
      const copied = await copyAll(images.map(({ file }) => file));
      note = noteOf(images, refused, [...closed, ...copied.unread]);
      this.#note.textContent = [note, copied.files.length ? texts.adding(copied.files.length) : ''].filter(Boolean).join(' ');
      if (!copied.files.length) return;
      const files = namedApart(copied.files, before.map((one) => one.filename));
      const larger = await addExamples(task.id, files.map((file) => ({ file, label })));
      isAdded = true;
      this.#note.textContent = note;
      this.changed(larger);
      const known = new Set(before.map((one) => one.id));
      // By name, too: another one may have added examples since.
      const names = new Set(files.map((file) => file.name));
      const added = (larger.examples ?? []).filter((one) => !known.has(one.id) && one.label === label && names.has(one.filename));
      offerUndo(texts.addedImages(files.length, label), () => this.#takeBack(task.id, added.map((one) => one.id)));
    });
    return isAdded;
  }

  /** @param {string} id of the task @param {string[]} examples */
  async #takeBack(id, examples) {
    await this.#reporting(async () => {
      let task = null;
      try {
        for (const example of examples) task = await deleteExample(id, example);
      } finally {
        if (task) this.changed(task); // what is gone is gone, also when a later one could not be deleted
      }
    });
  }

  /** @param {() => Promise<void>} action */
  async #reporting(action) {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#note.textContent = error.message;
    }
  }
}
