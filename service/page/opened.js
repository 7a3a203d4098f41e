/** A kept classifier that was opened: its classes with their images, and the place for another class. */

import { pictureOf } from './api.js';
import { byId, tell, warn } from './dom.js';
import { sortOut } from './files.js';
import { keepOnly, putAt } from './in-order.js';
import { acceptDrops } from './intake.js';
import { MoveForm } from './move-form.js';
import { OpenedChanges } from './opened-changes.js';
import { lieInFolders, NEW, OpenedNew } from './opened-new.js';
import { OpenedRow } from './opened-row.js';
import { texts } from './texts.js';

/** @typedef {import('./api.js').KeptExample} KeptExample */
/** @typedef {import('./api.js').Task} Task */
/** @typedef {import('./files.js').Found} Found */

export class OpenedTask {
  /** @type {Task | null} */
  #task = null;
  /** @type {Map<string, OpenedRow>} label to row */
  #rows = new Map();
  #list = byId('opened-classes');
  #note = byId('opened-note');

  /**
   * @param {import('./notice.js').Notice} notice
   * @param {(task: Task) => void} changed called with a task that has other examples now
   * @param {(id: string) => void} gone called with the id of a task that the service no longer has
   * @param {import('./doubts.js').Doubts} doubts
   */
  constructor(notice, changed, gone, doubts) {
    this.doubts = doubts;
    this.changes = new OpenedChanges(() => this.#task, this.#note, notice, changed, gone);
    this.new = new OpenedNew(this.#note, (label, found) => this.changes.add(label, found), (example, label) => this.changes.move(example, label));
    this.moveForm = new MoveForm('move-kept-to', () => this.#classes(), (/** @type {KeptExample} */ example, { label }) => {
      this.moveForm.cancel(); // the keyboard goes on from the picture
      this.changes.move(example, label);
    });
    this.new.element.addEventListener('input', () => this.moveForm.sync());
    doubts.addEventListener('change', () => { for (const [label, row] of this.#rows) row.images.showDoubts(this.#examplesOf(label)); });
    acceptDrops(byId('opened'), (found) => this.#takeBeside(found));
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
    this.changes.places.note(task.examples ?? []);
    this.#showClasses(task);
    this.moveForm.sync();
    const come = this.#rows.get(this.new.label);
    if (come) this.new.hasCome(come.pad);
    this.changes.offerDone(task);
  }

  /**
   * @param {Element} target the focused element
   * @returns {((found: Found[]) => void) | null} who takes a paste there; null outside of every class
   */
  receiverAt(target) {
    if (this.new.element.contains(target)) return (found) => this.new.take(found);
    const [label] = [...this.#rows].find(([, row]) => row.element.contains(target)) ?? [null];
    return label === null ? null : (found) => this.changes.add(label, found);
  }

  /** Forget what was shown of another classifier. */
  #begin() {
    tell(this.#note, '');
    this.moveForm.cancel();
    this.changes.begin();
    this.new.clear();
    this.#rows.clear();
    this.#list.replaceChildren();
  }

  /** @param {Task} task */
  #showClasses(task) {
    const labels = task.classes.map((one) => one.label);
    const at = [...this.#list.children].findIndex((one) => one.contains(document.activeElement));
    const isAtEnd = [...this.#rows.values()].some((row) => row.removeButton === document.activeElement);
    keepOnly(this.#rows, new Set(labels), (row) => row.element);
    labels.forEach((label, index) => {
      const row = this.#rowOf(label);
      row.images.sync(this.#examplesOf(label));
      putAt(this.#list, index, row.element);
    });
    if (at < 0 || this.#list.contains(document.activeElement)) return;
    const next = this.#rows.get(labels[Math.min(at, labels.length - 1)]); // the top of the page may be far away
    (isAtEnd ? next?.removeButton : next?.images.button)?.focus();
  }

  /** @param {string} label */
  #rowOf(label) {
    const known = this.#rows.get(label);
    if (known) return known;
    const { changes } = this;
    const row = new OpenedRow(label, {
      take: (found) => changes.add(label, found),
      moveHere: (example) => changes.move(example, label),
      remove: () => changes.removeClass(label),
    }, {
      addressOf: ({ id }) => pictureOf(this.#task?.id ?? '', id),
      askWhereTo: (example, picture) => this.moveForm.press(
        example, example.filename, picture, (form) => row.element.append(form), this.doubts.of(example.id, label) ?? undefined,
      ),
      remove: (example) => changes.remove(example),
      resembled: (example) => this.doubts.of(example.id, label),
    });
    row.images.button.addEventListener('click', () => this.moveForm.sync()); // its picture may be folded away
    this.#rows.set(label, row);
    return row;
  }

  /** @param {Found[]} found dropped beside every class */
  #takeBeside(found) {
    const { images } = sortOut(found);
    if (images.length && !lieInFolders(found)) warn(this.#note, texts.dropOnClass);
    else this.changes.add('', found);
  }

  /** The classes that there are, and the new one that has a name. */
  #classes() {
    const kept = (this.#task?.classes ?? []).map(({ label }) => ({ id: label, label, examples: this.#examplesOf(label) }));
    const { label } = this.new;
    return !label || kept.some((one) => one.label === label) ? kept : [...kept, { id: NEW, label, examples: [] }];
  }

  /** @param {string} label */
  #examplesOf(label) {
    return this.changes.places.sorted((this.#task?.examples ?? []).filter((one) => one.label === label));
  }
}
