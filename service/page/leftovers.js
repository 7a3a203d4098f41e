/**
 * Drafts that were still being made when the page was left. Their answer reaches nobody, so nobody knows the
 * ids to delete: they are known by name, and deleted when a page of this browser finds them on the list.
 */

import { deleteTask } from './api.js';

/** @typedef {import('./api.js').Task} Task */

const KEY = 'metashot.leftovers';
const MOST = 20; // names: of drafts that never came to be, nothing is ever found

/** @param {string} name of the draft that was asked for */
export function rememberLeftover(name) {
  write([...read(), name].slice(-MOST));
}

/**
 * @param {Task[]} tasks
 * @returns {Task[]} without leftovers, which are deleted
 */
export function withoutLeftovers(tasks) {
  const names = new Set(read());
  const leftovers = tasks.filter((task) => names.has(task.name ?? ''));
  for (const task of leftovers) {
    deleteTask(task.id).then(() => write(read().filter((name) => name !== task.name)), () => {}); // else the next time
  }
  return tasks.filter((task) => !leftovers.includes(task));
}

/** @returns {string[]} none where the browser stores nothing, as in some private windows */
function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '[]');
  } catch {
    return [];
  }
}

/** @param {string[]} names */
function write(names) {
  try {
    localStorage.setItem(KEY, JSON.stringify(names));
  } catch {
    // As above: then a leftover stays on the list, by its name a draft.
  }
}
