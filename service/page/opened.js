/** A kept classifier that was opened: its classes, more images for them, more classes, and images that change places. */

import { addExamples, deleteExample, moveExample, pictureOf, Problem } from './api.js';
import { copyClasses } from './copies.js';
import { byId, tell, tellOver, warn } from './dom.js';
import { noteOf, sortOut } from './files.js';
import { byFolder } from './folders.js';
import { keepOnly, putAt } from './in-order.js';
import { acceptDrops } from './intake.js';
import { MoveForm } from './move-form.js';
import { lieInFolders, NEW, OpenedNew } from './opened-new.js';
import { OpenedRow } from './opened-row.js';
import { labelled } from './support.js';
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
  /** @type {Promise<boolean>} what was given last, on its way */
  #adding = Promise.resolve(false);
  /** @type {Promise<unknown>} the last move, on its way */
  #moving = Promise.resolve();

  /**
   * @param {import('./notice.js').Notice} notice
   * @param {(task: Task) => void} changed called with a task that has other examples now
   * @param {(id: string) => void} gone called with the id of a task that the service no longer has
   */
  constructor(notice, changed, gone) {
    this.notice = notice;
    this.changed = changed;
    this.gone = gone;
    this.new = new OpenedNew(this.#note, (label, found) => this.#take(label, found), (example, label) => this.#move(example, label));
    this.moveForm = new MoveForm('move-kept-to', () => this.#classes(), (/** @type {KeptExample} */ example, { label }) => {
      this.moveForm.cancel(); // the keyboard goes on from the picture
      this.#move(example, label);
    });
    this.new.element.addEventListener('input', () => this.moveForm.sync());
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
    const labels = new Set(task.classes.map((one) => one.label));
    for (const [label, row] of this.#rows) {
      if (!labels.has(label) && row.element.contains(document.activeElement)) byId('opened-heading').focus();
    }
    keepOnly(this.#rows, labels, (row) => row.element);
    task.classes.forEach(({ label }, index) => {
      const row = this.#rowOf(label);
      row.images.sync(examplesOf(task, label));
      putAt(this.#list, index, row.element);
    });
    this.moveForm.sync();
    const come = this.#rows.get(this.new.label);
    if (come) this.new.hasCome(come.pad);
  }

  /**
   * @param {Element} target the focused element
   * @returns {((found: Found[]) => void) | null} who takes a paste there; null outside of every class
   */
  receiverAt(target) {
    if (this.new.element.contains(target)) return (found) => this.new.take(found);
    const [label] = [...this.#rows].find(([, row]) => row.element.contains(target)) ?? [null];
    return label === null ? null : (found) => this.#take(label, found);
  }

  /** Forget what was shown of another classifier. */
  #begin() {
    tell(this.#note, '');
    this.moveForm.cancel();
    this.notice.end(); // what is offered, and what comes of it, is about what is in view
    this.new.clear();
    this.#rows.clear();
    this.#list.replaceChildren();
  }

  /** @param {string} label */
  #rowOf(label) {
    const known = this.#rows.get(label);
    if (known) return known;
    const row = new OpenedRow(label, (found) => this.#take(label, found), (example) => this.#move(example, label), {
      addressOf: ({ id }) => pictureOf(this.#task?.id ?? '', id),
      askWhereTo: (example, picture) => this.moveForm.press(example, example.filename, picture, (form) => row.element.append(form)),
      remove: ({ id }) => this.#takeBack(this.#task?.id ?? '', [id]),
    });
    row.images.button.addEventListener('click', () => this.moveForm.sync()); // its picture may be folded away
    this.#rows.set(label, row);
    return row;
  }

  /** @param {Found[]} found dropped beside every class */
  #takeBeside(found) {
    const { images } = sortOut(found);
    if (images.length && !lieInFolders(found)) warn(this.#note, texts.dropOnClass);
    else this.#take('', found);
  }

  /**
   * Take images after those taken before have been added, so that file names stay distinct.
   * @param {string} label empty where folders name the classes
   * @param {Found[]} found
   * @returns {Promise<boolean>} whether images were added
   */
  #take(label, found) {
    const task = this.#task;
    if (!task) return Promise.resolve(false);
    const latest = () => (this.#task?.id === task.id ? this.#task : task);
    this.#adding = this.#adding.catch(() => {}).then(() => this.#add(latest(), label, found));
    return this.#adding;
  }

  /** @param {Task} task @param {string} label @param {Found[]} found */
  async #add(task, label, found) {
    const { images, leftOut } = sortOut(found);
    const folders = byFolder(images);
    // A folder of folders means classes of its own, wherever it was dropped.
    const isSorted = !label || folders.classes.size > 1;
    const classes = isSorted ? folders.classes : new Map([[label, images.map(({ file }) => file)]]);
    if (isSorted) leftOut.push(...folders.leftOut);
    const given = [...classes.values()].flat().length;
    let note = noteOf(images, leftOut);
    warn(this.#note, note, given ? texts.adding(given) : '');
    if (!given) return false;
    const before = task.examples ?? [];
    let isAdded = false;
    await this.#reporting(task.id, texts.notAdded, async () => {
      const copied = await copyClasses(classes);
      const count = [...copied.classes.values()].flat().length;
      note = noteOf(images, [...leftOut, ...copied.leftOut]);
      warn(this.#note, note, count ? texts.adding(count) : '');
      if (!count) return;
      const support = labelled(copied.classes, before.map((one) => one.filename));
      const larger = await addExamples(task.id, support);
      isAdded = true;
      if (note) warn(this.#note, note);
      else tellOver(this.#note, texts.adding(count));
      this.changed(larger);
      const known = new Set(before.map((one) => one.id));
      // By name, too: somebody else may have added examples meanwhile.
      const labels = new Map(support.map((one) => [one.file.name, one.label]));
      const added = (larger.examples ?? []).filter((one) => !known.has(one.id) && labels.get(one.filename) === one.label);
      const [first, ...others] = new Set(labels.values());
      const sentence = others.length ? texts.addedToClasses(count, others.length + 1) : texts.addedImages(count, first);
      this.#offer(sentence, task.id, () => this.#takeBack(task.id, added.map((one) => one.id)));
    });
    return isAdded;
  }

  /** The classes that there are, and the new one that has a name. */
  #classes() {
    const kept = (this.#task?.classes ?? []).map(({ label }) => ({ id: label, label, examples: examplesOf(this.#task, label) }));
    const { label } = this.new;
    return !label || kept.some((one) => one.label === label) ? kept : [...kept, { id: NEW, label, examples: [] }];
  }

  /** @param {KeptExample} example @param {string} label of the class that it is to be in */
  async #move(example, label) {
    const id = this.#task?.id ?? '';
    const undo = () => this.#put(id, example, example.label, () => {});
    await this.#put(id, example, label, () => this.#offer(texts.movedImage(example.filename, label), id, undo));
  }

  /**
   * @param {string} id of the task
   * @param {KeptExample} example
   * @param {string} label of the class to put it into
   * @param {() => void} done called if it is there
   * @returns {Promise<boolean>} whether nothing failed
   */
  #put(id, example, label, done) {
    const doing = texts.moving(example.filename);
    tell(this.#note, doing);
    // One after the other: a busy service has some asked for again, and the last one of an image is to count.
    const put = this.#moving.then(() => this.#reporting(id, texts.notMoved, async () => {
      const task = await moveExample(id, example.id, label);
      this.changed(task);
      const isThere = (task.examples ?? []).some((one) => one.id === example.id);
      tellOver(this.#note, doing);
      if (isThere) done();
      else if (this.#task?.id === id) tell(this.#note, texts.imageGone(example.filename));
    }));
    this.#moving = put.catch(() => {});
    return put;
  }

  /** @param {string} sentence @param {string} id of the task @param {() => Promise<boolean>} undo tells whether it is done */
  #offer(sentence, id, undo) {
    if (this.#task?.id !== id) return;
    this.notice.offer(sentence, async () => {
      const isDone = await undo();
      if (!isDone) this.#offer(sentence, id, undo); // the service may be back by then
      return isDone;
    });
  }

  /** @param {string} id of the task @param {string[]} examples @returns {Promise<boolean>} whether they are gone */
  #takeBack(id, examples) {
    const doing = texts.removing(examples.length); // a request each, so that nothing goes that others gave meanwhile
    tell(this.#note, doing);
    return this.#reporting(id, String, async () => {
      let task = null;
      try {
        for (const example of examples) task = await deleteExample(id, example);
      } finally {
        if (task) this.changed(task); // what is gone is gone, also when a later one could not be deleted
      }
      tellOver(this.#note, doing);
    });
  }

  /**
   * @param {string} id of the task
   * @param {(problem: string) => string} toldAs
   * @param {() => Promise<void>} action
   * @returns {Promise<boolean>} whether it was done
   */
  async #reporting(id, toldAs, action) {
    try {
      await action();
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const isGone = error.status === 404;
      if (!isGone) warn(this.#note, toldAs(error.message));
      else if (this.#task?.id === id) warn(this.#note, texts.taskGone); // another one that was opened since is there
      if (isGone) this.gone(id);
      return false;
    }
  }
}

/** @param {Task | null} task @param {string} label */
const examplesOf = (task, label) => (task?.examples ?? []).filter((one) => one.label === label);
