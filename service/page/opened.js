/** A kept classifier that was opened: its classes, more images for them, and more classes. */

import { addExamples, deleteExample, Problem } from './api.js';
import { ACCEPT } from './class-row.js';
import { copyAll } from './copies.js';
import { byId, element, inputById } from './dom.js';
import { fromInput, namedApart, noteOf, sortOut } from './files.js';
import { acceptDrops } from './intake.js';
import { offerUndo } from './notice.js';
import { canonical } from './support.js';
import { texts } from './texts.js';

/** @typedef {import('./api.js').Task} Task */
/** @typedef {import('./files.js').Found} Found */

export class OpenedTask {
  /** @type {Task | null} */
  #task = null;
  /** @type {Map<string, HTMLElement>} label to row */
  #rows = new Map();
  #list = byId('opened-classes');
  #new = byId('opened-new');
  #newName = inputById('new-class');
  #note = byId('opened-note');

  /** @param {(task: Task) => void} changed called with a task that has other examples now */
  constructor(changed) {
    this.changed = changed;
    const files = inputById('choose-new-class');
    files.setAttribute('aria-label', texts.addImagesToNew);
    files.addEventListener('change', () => { this.#takeNew(fromInput(files.files)); files.value = ''; });
    acceptDrops(this.#new, (found) => this.#takeNew(found));
  }

  /** @param {Task | null} task */
  show(task) {
    byId('own').hidden = task !== null;
    byId('opened').hidden = task === null;
    if (task === this.#task) return;
    if (task?.id !== this.#task?.id) this.#note.textContent = this.#newName.value = '';
    this.#task = task;
    if (!task) return;
    byId('opened-heading').textContent = task.name || texts.untitled;
    const held = [...this.#rows].find(([, row]) => row.contains(document.activeElement))?.[0];
    this.#rows = new Map(task.classes.map((one) => [one.label, this.#row(one.label, one.examples)]));
    this.#list.replaceChildren(...this.#rows.values());
    this.#rows.get(held ?? '')?.querySelector('input')?.focus();
    if (this.#rows.has(canonical(this.#newName.value))) this.#newName.value = ''; // it has come
  }

  /**
   * @param {Element} target the focused element
   * @returns {((found: Found[]) => void) | null} who takes a paste there; null outside of every class
   */
  receiverAt(target) {
    if (this.#new.contains(target)) return (found) => this.#takeNew(found);
    const [label] = [...this.#rows].find(([, row]) => row.contains(target)) ?? [null];
    return label === null ? null : (found) => this.#take(label, found);
  }

  /** @param {string} label @param {number} count */
  #row(label, count) {
    const input = element('input', {
      type: 'file', class: 'hidden-input', accept: ACCEPT, multiple: true, 'aria-label': texts.addImagesTo(label),
      onchange: () => { this.#take(label, fromInput(input.files)); input.value = ''; },
    });
    const row = element('li', {}, [
      element('span', { class: 'opened-label', text: label }),
      element('span', { class: 'hint', text: texts.imageCount(count) }),
      element('label', { class: 'button quiet' }, [element('span', { text: texts.addImages }), input]),
    ]);
    acceptDrops(row, (found) => this.#take(label, found));
    return row;
  }

  /** @param {Found[]} found */
  async #takeNew(found) {
    const label = canonical(this.#newName.value);
    if (label) await this.#take(label, found);
    else {
      this.#note.textContent = texts.nameFirst;
      this.#newName.focus();
    }
  }

  /** @param {string} label @param {Found[]} found */
  async #take(label, found) {
    const task = this.#task;
    const { images, refused } = sortOut(found);
    let note = noteOf(images, refused);
    this.#note.textContent = [note, images.length ? texts.adding(images.length) : ''].filter(Boolean).join(' ');
    if (!task || !images.length) return;
    const before = task.examples ?? [];
    await this.#reporting(async () => {
      const copied = await copyAll(images.map(({ file }) => file));
      note = noteOf(images, refused, copied.unread);
      this.#note.textContent = [note, copied.files.length ? texts.adding(copied.files.length) : ''].filter(Boolean).join(' ');
      if (!copied.files.length) return;
      const files = namedApart(copied.files, before.map((one) => one.filename));
      const larger = await addExamples(task.id, files.map((file) => ({ file, label })));
      this.#note.textContent = note;
      this.changed(larger);
      const known = new Set(before.map((one) => one.id));
      // By name, too: another one may have added examples since.
      const names = new Set(files.map((file) => file.name));
      const added = (larger.examples ?? []).filter((one) => !known.has(one.id) && one.label === label && names.has(one.filename));
      offerUndo(texts.addedImages(files.length, label), () => this.#takeBack(task.id, added.map((one) => one.id)));
    });
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
