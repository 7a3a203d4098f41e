/**
 * Deletes drafts that pages of this browser left behind. A finished draft's id is stored as soon as it is made, as a
 * browser that quits sends no deletion: the next page asks all others, by storage events, whether they hold it, and
 * deletes it if none does. A draft that was still being made when its page was left is known only by its name, as no
 * page receives its id.
 */

import { deleteTask } from './api.js';

/** @typedef {import('./api.js').Task} Task */

const NAMES = 'metashot.leftovers';
const MOST = 20; // names kept: those of drafts that were never made would stay for ever
const DRAFT = 'metashot.draft.'; // followed by the id; one key per draft, so that pages writing at once lose nothing
const HELD = 'held';
const WHOSE = 'whose?';
const ANSWERED_WITHIN = 1000; // milliseconds; a page that answers too late, and loses its draft, makes another one

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
      deleteTask(id).then(() => forgetDraft(id), () => {}); // otherwise the next page tries again
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
    deleteTask(task.id).then(() => write(NAMES, JSON.stringify(names().filter((name) => name !== task.name))), () => {}); // otherwise the next list tries again
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
 * @returns {Result | null} null where the browser stores nothing, as in some private windows: leftovers then stay on the list, named as drafts
 */
function stored(use) {
  try {
    return use(localStorage);
  } catch {
    return null;
  }
}
