/** Changes of the kept classifier that is opened: more images, images that move or go, whole classes, and undoing all of it. */

import { addExamples, deleteClass, deleteExample, moveExample } from './api.js';
import { copyClasses } from './copies.js';
import { tell, tellOver, warn } from './dom.js';
import { noteOf, sortOut } from './files.js';
import { byFolder } from './folders.js';
import { Places } from './places.js';
import { PuttingBack } from './putting-back.js';
import { Removals } from './removals.js';
import { Problem } from './requests.js';
import { labelled } from './support.js';
import { texts } from './texts.js';

/** @typedef {import('./api.js').KeptExample} KeptExample */
/** @typedef {import('./api.js').Task} Task */
/** @typedef {import('./files.js').Found} Found */
/** @typedef {import('./removals.js').Told} Told */

export class OpenedChanges {
  places = new Places();
  #removals = new Removals();
  /** @type {Set<string>} names of images that can be put back, beside newer ones */
  #removedNames = new Set();
  #comingBack = 0;
  /** @type {Promise<boolean>} what was given last, on its way */
  #adding = Promise.resolve(false);
  /** @type {Promise<unknown>} the last move, removal or undoing, on its way */
  #changing = Promise.resolve();

  /**
   * @param {() => Task | null} opened
   * @param {HTMLElement} note
   * @param {import('./notice.js').Notice} notice
   * @param {(task: Task) => void} changed called with a task that has other examples now
   * @param {(id: string) => void} gone called with the id of a task that the service no longer has
   */
  constructor(opened, note, notice, changed, gone) {
    this.opened = opened;
    this.note = note;
    this.notice = notice;
    this.changed = changed;
    this.gone = gone;
  }

  /** Whether images that only the page has are on their way back to the service. */
  get arePending() {
    return this.#comingBack > 0;
  }

  /** Withdraw what is about another classifier: what is offered, and what comes of it, is about what is in view. */
  begin() {
    this.#removals.clear();
    this.#removedNames.clear();
    this.notice.end();
  }

  /** Offer to take back the removals that have come to be done. @param {Task} task that is shown */
  offerDone(task) {
    for (const [sentence, removed] of this.#removals.doneIn(task)) {
      for (const { example } of removed) this.#removedNames.add(example.filename);
      const way = new PuttingBack(removed, this.places);
      this.#offer(sentence, task.id, () => this.#putBack(task, way));
    }
  }

  /**
   * Take images after those taken before have been added, so that file names stay distinct.
   * @param {string} label empty where folders name the classes
   * @param {Found[]} found
   * @returns {Promise<boolean>} whether images were added
   */
  add(label, found) {
    const task = this.opened();
    if (!task) return Promise.resolve(false);
    this.#adding = this.#adding.catch(() => {}).then(() => this.#add(this.#latest(task), label, found));
    return this.#adding;
  }

  /** @param {KeptExample} example @param {string} label of the class that it is to be in */
  async move(example, label) {
    const id = this.opened()?.id ?? '';
    const undo = () => this.#put(id, example, example.label, () => {});
    await this.#put(id, example, label, () => this.#offer(texts.movedImage(example.filename, label), id, undo));
  }

  /** @param {KeptExample} example */
  remove({ id, filename }) {
    const pick = (/** @type {Task} */ { examples = [] }) => examples.filter((one) => one.id === id);
    return this.#remove(filename, pick, (task, version) => deleteExample(task, id, version), () => texts.removedImage(filename));
  }

  /** @param {string} label */
  removeClass(label) {
    const pick = (/** @type {Task} */ { examples = [] }) => examples.filter((one) => one.label === label);
    return this.#remove(label, pick, (task, version) => deleteClass(task, label, version), ({ length }) => texts.removedClass(label, length));
  }

  /** @param {Task} task @returns {Task} the same, as it is shown by now */
  #latest(task) {
    const opened = this.opened();
    return opened?.id === task.id ? opened : task;
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
    warn(this.note, note, given ? texts.adding(given) : '');
    if (!given) return false;
    const before = task.examples ?? [];
    let isAdded = false;
    await this.#reporting(task.id, texts.notAdded, async () => {
      const copied = await copyClasses(classes);
      const count = [...copied.classes.values()].flat().length;
      note = noteOf(images, [...leftOut, ...copied.leftOut]);
      warn(this.note, note, count ? texts.adding(count) : '');
      if (!count) return;
      const support = labelled(copied.classes, [...before.map((one) => one.filename), ...this.#removedNames]);
      const larger = await addExamples(task.id, support);
      isAdded = true;
      if (note) warn(this.note, note);
      else tellOver(this.note, texts.adding(count));
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

  /**
   * @param {string} id of the task
   * @param {KeptExample} example
   * @param {string} label of the class to put it into
   * @param {() => void} done called if it is there
   * @returns {Promise<boolean>} whether nothing failed
   */
  #put(id, example, label, done) {
    const doing = texts.moving(example.filename);
    tell(this.note, doing);
    return this.#inTurn(() => this.#reporting(id, texts.notMoved, async () => {
      const now = this.places.now(example.id);
      const task = await moveExample(id, now, label);
      this.changed(task);
      const isThere = (task.examples ?? []).some((one) => one.id === now);
      tellOver(this.note, doing);
      if (isThere) done();
      else this.#tellGone(id, example.filename);
    }));
  }

  /**
   * @param {string} name of the image or class
   * @param {(task: Task) => KeptExample[]} pick what is to go
   * @param {(task: string, version: number) => Promise<Task>} send the removal
   * @param {Told} told
   */
  async #remove(name, pick, send, told) {
    const task = this.opened();
    if (!task) return;
    const going = pick(task);
    const doing = texts.removing(going.length);
    tell(this.note, doing);
    await this.#reporting(task.id, String, async () => {
      await this.#removals.fetch(task, going); // before its turn, as many files take a while
      await this.#inTurn(async () => {
        const latest = this.#latest(task);
        if (!pick(latest).length) return; // pressed twice
        const { task: left, isOurs, problem } = await this.#removals.remove(latest, pick, (version) => send(task.id, version), told);
        this.changed(left);
        if (problem) throw problem;
        if (!isOurs) this.#tellGone(task.id, name);
      });
      tellOver(this.note, doing);
    });
  }

  /** @param {Task} task @param {PuttingBack} way of images that were removed @returns {Promise<boolean>} whether all are back */
  #putBack(task, way) {
    const doing = texts.puttingBack(way.count);
    tell(this.note, doing);
    this.#comingBack += 1;
    return this.#inTurn(() => this.#reporting(task.id, (problem) => texts.notPutBack(way.count, problem), async () => {
      await way.run(this.#latest(task), this.changed);
      tellOver(this.note, doing);
    })).finally(() => { this.#comingBack -= 1; });
  }

  /** @param {string} id of the task @param {string[]} examples @returns {Promise<boolean>} whether they are gone */
  #takeBack(id, examples) {
    const doing = texts.removing(examples.length); // a request each, so that nothing goes that others gave meanwhile
    tell(this.note, doing);
    return this.#inTurn(() => this.#reporting(id, String, async () => {
      let task = null;
      try {
        for (const example of examples) task = await deleteExample(id, this.places.now(example));
      } finally {
        if (task) this.changed(task); // what is gone is gone, also when a later one could not be deleted
      }
      tellOver(this.note, doing);
    }));
  }

  /**
   * One after the other: a busy service has some asked for again, and the last one of an image is to count.
   * @template Result
   * @param {() => Promise<Result>} change
   * @returns {Promise<Result>}
   */
  #inTurn(change) {
    const done = this.#changing.then(change);
    this.#changing = done.catch(() => {});
    return done;
  }

  /** @param {string} sentence @param {string} id of the task @param {() => Promise<boolean>} undo tells whether it is done */
  #offer(sentence, id, undo) {
    if (this.opened()?.id !== id) return;
    this.notice.offer(sentence, async () => {
      const isDone = await undo();
      if (!isDone) this.#offer(sentence, id, undo); // the service may be back by then
      return isDone;
    });
  }

  /** @param {string} id of the task @param {string} name of what somebody else has removed */
  #tellGone(id, name) {
    if (this.opened()?.id === id) tell(this.note, texts.imageGone(name));
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
      if (!isGone) warn(this.note, toldAs(error.message));
      else if (this.opened()?.id === id) warn(this.note, texts.taskGone); // another one that was opened since is there
      if (isGone) this.gone(id);
      return false;
    }
  }
}
