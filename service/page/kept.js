/** The list of kept classifiers: open one to ask it, or delete it. */

import { deleteTask, listTasks, showTask } from './api.js';
import { buttonById, byId, element, tell } from './dom.js';
import { Problem } from './requests.js';
import { sureButton } from './sure-button.js';
import { texts } from './texts.js';

/** @typedef {import('./api.js').Task} Task */

export class KeptList {
  #list = byId('kept-list');
  #note = byId('kept-note');
  #more = buttonById('kept-more');
  /** @type {string | null} */
  #cursor = null;
  /** @type {{ cursor?: string } | null} what could not be loaded */
  #missed = null;
  /** @type {Task[]} */
  #tasks = [];
  #loadsMore = false; // a disabled button would lose the focus
  #openings = 0;

  /**
   * @param {(task: Task) => void} open
   * @param {(task: Task) => void} gone
   */
  constructor(open, gone) {
    this.open = open;
    this.gone = gone;
    this.#more.addEventListener('click', () => this.#showMore());
  }

  refresh() {
    return this.#load();
  }

  async #showMore() {
    if (this.#loadsMore) return;
    this.#loadsMore = true;
    const before = this.#list.children.length;
    const held = document.activeElement === this.#more;
    await this.#load(this.#missed ? this.#missed.cursor : this.#cursor ?? undefined).finally(() => { this.#loadsMore = false; });
    if (held && this.#more.hidden) this.#focusAt(before);
  }

  /** @param {string} [cursor] */
  async #load(cursor) {
    const isDone = await this.#reporting(texts.keptMissed, async () => {
      const { items, next_cursor: next } = await listTasks(cursor);
      this.#tasks = cursor ? [...this.#tasks, ...items] : items;
      this.#cursor = next;
    });
    this.#missed = isDone ? null : { cursor };
    this.#show();
  }

  #show() {
    byId('kept').hidden = !this.#tasks.length && !this.#cursor && !this.#missed;
    this.#more.hidden = !this.#cursor && !this.#missed;
    this.#more.textContent = this.#missed ? texts.tryAgain : texts.keptMore;
    this.#list.replaceChildren(...this.#tasks.map((task) => this.#row(task)));
  }

  /** Keep the keyboard in the list, whose focused button is gone. @param {number} index of a row, or the last one's */
  #focusAt(index) {
    const row = this.#list.children[Math.min(index, this.#list.children.length - 1)];
    const next = row?.querySelector('button') ?? (this.#more.hidden ? this.#note : this.#more);
    next.focus();
  }

  /** @param {Task} task */
  #row(task) {
    const name = task.name || texts.untitled;
    const made = texts.made(new Date(task.created));
    const labels = task.classes.map((one) => one.label);
    const { estimate } = task;
    const accuracy = estimate ? texts.keptAccuracy(estimate.accuracy, estimate.low, estimate.high) : '';
    const open = element('button', {
      type: 'button', class: 'button', text: texts.open, 'aria-label': texts.openTask(name, made),
      onclick: () => this.#open(task),
    });
    const remove = sureButton(texts.delete, texts.deleteTask(name, made), () => this.#delete(task, name));
    return element('li', { class: 'kept-row' }, [
      element('div', { class: 'kept-what' }, [
        element('span', { class: 'kept-name', text: name }),
        element('span', { class: 'hint kept-labels', text: lists(name, labels) ? '' : labels.join(', ') }),
      ]),
      element('div', { class: 'hint kept-facts' }, [element('span', { text: made }), element('span', { text: accuracy })]),
      element('div', { class: 'kept-tools' }, [open, remove]),
    ]);
  }

  /** @param {Task} task */
  async #open(task) {
    this.#openings += 1;
    const opening = this.#openings;
    await this.#reporting(String, async () => {
      try {
        const whole = await showTask(task.id);
        if (opening === this.#openings) this.open(whole); // else another one was asked for since
      } catch (error) {
        if (!(error instanceof Problem) || error.status !== 404) throw error;
        tell(this.#note, '', texts.deletedBefore(task.name || texts.untitled));
        this.#drop(task);
      }
    });
  }

  /** @param {Task} task @param {string} name */
  async #delete(task, name) {
    await this.#reporting(String, async () => {
      await deleteTask(task.id);
      tell(this.#note, texts.deleted(name)); // before the focus may go there
      this.#drop(task);
    });
  }

  /** @param {Task} task that the service no longer has */
  #drop(task) {
    const index = [...this.#list.children].findIndex((row) => row.contains(document.activeElement));
    this.#tasks = this.#tasks.filter((one) => one.id !== task.id);
    this.#show();
    this.gone(task);
    if (index >= 0) this.#focusAt(index);
  }

  /** @param {(problem: string) => string} toldAs @param {() => Promise<void>} action @returns {Promise<boolean>} whether it was done */
  async #reporting(toldAs, action) {
    try {
      tell(this.#note, '');
      await action();
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      tell(this.#note, '', toldAs(error.message));
      return false;
    }
  }
}

/** @param {string} name @param {string[]} labels @returns {boolean} whether the name is all of them, in whatever order the page had them */
const lists = (name, labels) => name.length === labels.join(', ').length && labels.every((label) => name.includes(label));
