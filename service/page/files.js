/** Gets images out of drops, pastes and file inputs, with the folders they lay in. */

import { texts } from './texts.js';

/**
 * @typedef {object} Found
 * @property {File} file an empty one where `isClosed`
 * @property {string[]} folders that it lay in
 * @property {boolean} [isClosed] a file or folder that the browser could not open
 */
/** @typedef {{ name: string, why: 'refused' | 'heic' | 'empty' | 'disguised' | 'damaged' | 'unread' | 'stray' }} LeftOut a file or folder that is not taken; why, by its sentence */

const READABLE = /\.(png|jpe?g|webp|bmp)$/i;
const HEIC = /\.hei[cf]$/i;
const CLUTTER = /^(\..*|Thumbs\.db|desktop\.ini)$/i;
const CLUTTERED = /^(\..*|__MACOSX)$/;
const LONGEST_NAME = 240; // characters; the service cuts names after 255, and a number may be added
const CHANGED_ON_THE_WAY = /["\\\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu; // of names: forms write them otherwise, or the service does

/** @param {File} file */
const isImage = (file) => /^image\/(png|jpeg|webp|bmp|x-ms-bmp)$/.test(file.type) || (!file.type && READABLE.test(file.name));

/**
 * Part what the service reads from what it does not; files that systems leave in folders count as neither.
 * @param {Found[]} found
 * @returns {{ images: Found[], leftOut: LeftOut[] }}
 */
export function sortOut(found) {
  // The first folder is the one that the user chose, whatever it is called.
  const inClutter = (/** @type {Found} */ { folders }) => folders.slice(1).some((name) => CLUTTERED.test(name));
  const kept = found.filter((one) => !CLUTTER.test(one.file.name) && !inClutter(one));
  const open = kept.filter((one) => !one.isClosed);
  return {
    images: open.filter(({ file }) => isImage(file)),
    leftOut: [
      ...leave(open.filter(({ file }) => !isImage(file)), 'refused'),
      ...leave(kept.filter((one) => one.isClosed), 'unread'),
    ],
  };
}

/** @param {Found[]} found @param {LeftOut['why']} why @returns {LeftOut[]} */
export const leave = (found, why) => found.map(({ file }) => ({ name: file.name, why }));

/**
 * @param {Found[]} images
 * @param {LeftOut[]} leftOut
 * @returns {string} what to tell about files that were left out; empty where all were taken
 */
export function noteOf(images, leftOut) {
  if (!images.length && !leftOut.length) return texts.noImages;
  const reasons = [...new Set(leftOut.map(({ why }) => why))];
  const sentences = reasons.map((reason) => texts[reason](leftOut.filter(({ why }) => why === reason).map(({ name }) => name)));
  const isHeic = leftOut.some(({ name, why }) => why === 'heic' || (why === 'refused' && HEIC.test(name)));
  return [...sentences, ...(isHeic ? [texts.heicAdvice] : [])].join(' ');
}

/**
 * Answers and errors name images by file name, so no two may share one, and it must come back as it was sent.
 * @param {File[]} files
 * @param {Iterable<string>} taken names of others
 * @returns {File[]} each under a name of its own
 */
export function namedApart(files, taken) {
  const names = new Set(taken);
  return files.map((file) => {
    const sent = file.name.slice(-LONGEST_NAME).replace(CHANGED_ON_THE_WAY, '_');
    const dot = sent.lastIndexOf('.');
    const [stem, extension] = dot > 0 ? [sent.slice(0, dot), sent.slice(dot)] : [sent, ''];
    let name = sent;
    for (let number = 2; names.has(name); number += 1) name = `${stem} (${number})${extension}`;
    names.add(name);
    return renamed(file, name);
  });
}

/** @param {File} file @param {string} name @returns {File} */
export const renamed = (file, name) => (name === file.name ? file : new File([file], name, { type: file.type }));

/** @param {Found} found @returns {string} with its folders: in several, files may have one name */
export const pathOf = ({ file, folders }) => [...folders, file.name].join('/');

/** @param {FileList | null} list of a file input @returns {Found[]} */
export function fromInput(list) {
  return [...(list ?? [])].map((file) => ({ file, folders: file.webkitRelativePath.split('/').slice(0, -1) }));
}

/** @param {DataTransfer | null} data @returns {Found[]} */
export function fromPaste(data) {
  return [...(data?.files ?? [])].map((file) => ({ file, folders: [] }));
}

/**
 * @param {DataTransfer | null} data
 * @returns {Promise<Found[]>} files of folders, at any depth, too
 */
export async function fromDrop(data) {
  // The transfer empties after the first await, so all entries are taken before it.
  const entries = [...(data?.items ?? [])].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const plain = fromPaste(data);
  if (!entries.length) return plain;
  const nested = await Promise.all(entries.map((entry) => walk(entry, [])));
  return nested.flat();
}

/**
 * @param {FileSystemEntry} entry
 * @param {string[]} folders
 * @returns {Promise<Found[]>} one that cannot be opened costs the others nothing
 */
const walk = (entry, folders) => opened(entry, folders)
  .catch(() => [{ file: new File([], entry.name), folders, isClosed: true }]);

/**
 * @param {FileSystemEntry} entry
 * @param {string[]} folders
 * @returns {Promise<Found[]>}
 */
async function opened(entry, folders) {
  if (entry.isFile) {
    const one = /** @type {FileSystemFileEntry} */ (entry);
    const file = await new Promise((done, failed) => { one.file(done, failed); });
    return [{ file, folders }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  /** @type {Found[]} */
  const found = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const batch = await new Promise((done, failed) => { reader.readEntries(done, failed); });
    if (!batch.length) return found;
    for (const child of batch) found.push(...await walk(child, [...folders, entry.name]));
  }
}
