/**
 * Drafts that pages of this browser left behind. The id of a finished one is stored from its making on, as a browser
 * that is quit sends no deletion any more: the next page asks the others, by the events of the storage, whose it is.
 * The answer about one that was still being made when the page was left reaches nobody: it is known by its name.
 */

import { deleteTask } from './api.js';

/** @typedef {import('./api.js').Task} Task */

const NAMES = 'metashot.leftovers';
const MOST = 20; // names: of drafts that never came to be, nothing is ever found
const DRAFT = 'metashot.draft.'; // and the id, a key each: pages that write at once lose nothing
const HELD = 'held';
const WHOSE = 'whose?';
const ANSWERED_WITHIN = 1000; // milliseconds; the page of a draft that is deleted all the same makes another one

/** @param {string} id of a draft that a page holds */
export function rememberDraft(id) {
  write(DRAFT + id, HELD);
}

/** @param {string} id of a draft that is deleted */
export function forgetDraft(id) {
  stored((storage) => storage.removeItem(DRAFT + id));
}

/** @param {(id: string) => boolean} isHeld whether this page holds that draft */
export function deleteLeftovers(isHeld) {
  window.addEventListener('storage', ({ key, newValue }) => {
    const id = key?.startsWith(DRAFT) ? key.slice(DRAFT.length) : null;
    if (id !== null && newValue !== HELD && isHeld(id)) rememberDraft(id);
  });
  const keys = stored((storage) => Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? '')) ?? [];
  const asked = keys.filter((key) => key.startsWith(DRAFT));
  for (const key of asked) write(key, WHOSE);
  window.setTimeout(() => {
    for (const key of asked.filter((one) => read(one) === WHOSE)) {
      const id = key.slice(DRAFT.length);
      deleteTask(id).then(() => forgetDraft(id), () => {}); // else the next time
    }
  }, ANSWERED_WITHIN);
}

/** @param {string} name of a draft that was asked for */
export function rememberLeftover(name) {
  write(NAMES, JSON.stringify([...names(), name].slice(-MOST)));
}

/**
 * @param {Task[]} tasks
 * @returns {Task[]} without drafts of this browser; those known by name are deleted
 */
export function withoutLeftovers(tasks) {
  const known = new Set(names());
  const leftovers = tasks.filter((task) => known.has(task.name ?? ''));
  for (const task of leftovers) {
    deleteTask(task.id).then(() => write(NAMES, JSON.stringify(names().filter((name) => name !== task.name))), () => {}); // as above
  }
  return tasks.filter((task) => !leftovers.includes(task) && read(DRAFT + task.id) === null);
}

/** @returns {string[]} */
function names() {
  return stored((storage) => JSON.parse(storage.getItem(NAMES) ?? '[]')) ?? [];
}

/** @param {string} key @returns {string | null} */
function read(key) {
  return stored((storage) => storage.getItem(key));
}

/** @param {string} key @param {string} value */
function write(key, value) {
  stored((storage) => storage.setItem(key, value));
}

/**
 * @template Result
 * @param {(storage: Storage) => Result} use
 * @returns {Result | null} null where the browser stores nothing, as in some private windows: a leftover stays on the list, by its name a draft
 */
function stored(use) {
  try {
    return use(localStorage);
  } catch {
    return null;
  }
}
