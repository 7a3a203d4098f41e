/** The column of the user's classes: rows, new classes, whole folders, and undoing what was removed or came at once. */

import { ClassRow } from './class-row.js';
import { copyClasses, copyExamples } from './copies.js';
import { buttonById, byId, inputById, tell, warn } from './dom.js';
import { fromInput, noteOf, sortOut } from './files.js';
import { byFolder } from './folders.js';
import { keepOnly, putAt } from './in-order.js';
import { acceptDrops } from './intake.js';
import { MoveForm } from './move-form.js';
import { Reading } from './reading.js';
import { texts } from './texts.js';

/** @typedef {import('./files.js').Found} Found */
/** @typedef {import('./support.js').Example} Example */
/** @typedef {import('./support.js').Group} Group */

export class ClassList {
  /** @type {Map<Group, ClassRow>} */
  #rows = new Map();
  #list = byId('classes');
  #note = byId('folder-note');
  #told = { doing: '', advice: '', trouble: '' };
  #reading = new Reading((doing) => this.#tell(doing ? { doing, advice: '', trouble: '' } : { doing }));

  /**
   * @param {import('./support.js').SupportSet} support
   * @param {import('./notice.js').Notice} notice
   * @param {import('./doubts.js').Doubts} doubts
   */
  constructor(support, notice, doubts) {
    this.support = support;
    this.notice = notice;
    this.doubts = doubts;
    for (const kind of ['change', 'mark']) support.addEventListener(kind, () => this.#sync());
    doubts.addEventListener('change', () => this.#sync());
    support.addEventListener('change', () => this.#tell({ advice: '' })); // it is followed, or another way was found
    buttonById('add-class').addEventListener('click', () => {
      const row = this.#rows.get(support.addGroup());
      row?.name.focus();
    });
    const folder = inputById('choose-folder');
    folder.addEventListener('change', () => {
      this.#takeFolders(fromInput(folder.files));
      folder.value = '';
    });
    acceptDrops(byId('own'), (found) => this.#takeFolders(found));
    this.moveForm = new MoveForm('move-to', () => support.groups, (/** @type {Example} */ example, /** @type {Group} */ to) => {
      const from = support.groups.find((group) => group.examples.includes(example));
      if (from) this.#rowOf(from).withoutLoss(example, 'img', () => this.#move(example, to));
    });
    this.#sync();
  }

  /**
   * @param {Element} target the focused element
   * @returns {((found: Found[]) => void) | null} who takes a paste there; null outside of every class
   */
  receiverAt(target) {
    const row = [...this.#rows.values()].find((one) => one.element.contains(target));
    return row ? (found) => this.#take(row.group, found) : null;
  }

  /**
   * Take one image that may be far from its class on the page.
   * @param {Group} group
   * @param {File} file
   * @returns {Promise<boolean>} whether it was added
   */
  async takeOne(group, file) {
    return this.support.groups.includes(group) && await this.#take(group, [{ file, folders: [] }], true);
  }

  /** @param {string} advice on what filled no class; told until the classes change or folders are given */
  report(advice) {
    this.#warn(advice, '');
  }

  /**
   * @param {string} sentence
   * @param {() => void} change
   */
  #withUndo(sentence, change) {
    this.notice.offer(sentence, this.support.undoable(change));
  }

  /** @param {Group} group @param {Found[]} found @param {boolean} isFar out of view @returns {Promise<boolean>} whether images came to it */
  async #take(group, found, isFar = false) {
    const { images, leftOut } = sortOut(found);
    // A folder of folders means classes of its own, wherever it was dropped.
    if (byFolder(images).classes.size > 1) {
      await this.#takeFolders(found);
      return false;
    }
    const copied = await this.#rowOf(group).reading.read(images, () => copyExamples(images.map(({ file }) => file)));
    if (!copied) return false;
    const add = () => { this.support.add(group, copied.files); };
    const count = copied.files.length;
    // One is gone by its cross; those on their way to a class that was removed come and go with it.
    if ((count > 1 || isFar) && count && this.support.groups.includes(group)) this.#withUndo(texts.addedImages(count, group.label), add);
    else if (count) add();
    this.#rows.get(group)?.report(noteOf(images, [...leftOut, ...copied.leftOut]));
    return count > 0;
  }

  /** @param {Found[]} found */
  async #takeFolders(found) {
    const { images, leftOut } = sortOut(found);
    const chosen = byFolder(images);
    const copied = await this.#reading.read(images, () => copyClasses(chosen.classes));
    if (!copied) return;
    const allLeftOut = [...leftOut, ...chosen.leftOut, ...copied.leftOut];
    const count = [...copied.classes.values()].flat().length;
    if (count) this.#withUndo(texts.addedToClasses(count, copied.classes.size), () => this.support.fill(copied.classes));
    this.#warn(chosen.classes.size ? '' : texts.dropFolderHint, allLeftOut.length ? noteOf(images, allLeftOut) : '');
  }

  /** @param {string} advice @param {string} trouble */
  #warn(advice, trouble) {
    Object.assign(this.#told, { advice, trouble });
    warn(this.#note, this.#trouble(), this.#told.doing);
  }

  /** @param {Partial<{ doing: string, advice: string, trouble: string }>} change of what the note tells */
  #tell(change) {
    Object.assign(this.#told, change);
    tell(this.#note, this.#told.doing, this.#trouble());
  }

  #trouble() {
    return [this.#told.advice, this.#told.trouble].filter(Boolean).join(' ');
  }

  #sync() {
    const { groups } = this.support;
    const obstacle = this.support.obstacle();
    keepOnly(this.#rows, new Set(groups), (row) => row.element);
    groups.forEach((group, index) => {
      const row = this.#rowOf(group);
      row.sync(index + 1, obstacle, groups.length === 1);
      putAt(this.#list, index, row.element);
    });
    this.moveForm.sync();
  }

  /** @param {Group} group */
  #rowOf(group) {
    const known = this.#rows.get(group);
    if (known) return known;
    const row = new ClassRow(group, {
      rename: (label) => this.support.rename(group, label),
      removeGroup: () => this.#removeGroup(group),
      removeExample: (example) => this.#withUndo(texts.removedImage(example.file.name), () => this.support.remove(group, example)),
      moveHere: (example) => this.#move(example, group),
      askWhereTo: (example, picture) => this.moveForm.press(
        example, example.file.name, picture, (form) => row.element.insertBefore(form, row.pad.place), this.#likeliest(example, group),
      ),
      take: (found) => this.#take(group, found),
      resembled: (example) => this.doubts.of(example.file.name, group.label),
    });
    this.#rows.set(group, row);
    return row;
  }

  /** @param {Example} example @param {Group} group that it is in @returns {number | undefined} id of the one that it looks more like */
  #likeliest(example, group) {
    const resembled = this.doubts.of(example.file.name, group.label);
    return this.support.groups.find(({ label }) => label === resembled)?.id;
  }

  /** @param {Example} example @param {Group} group */
  #move(example, group) {
    this.#withUndo(texts.movedImage(example.file.name, group.label), () => this.support.move(example, group));
  }

  /** @param {Group} group */
  #removeGroup(group) {
    const { groups } = this.support;
    const beside = groups[groups.indexOf(group) + 1] ?? groups.at(-2);
    this.#withUndo(texts.removedClass(group.label, group.examples.length), () => this.support.removeGroup(group));
    (beside ? this.#rowOf(beside).removeButton : buttonById('add-class')).focus();
  }
}
