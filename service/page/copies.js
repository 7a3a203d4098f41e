/**
 * Takes copies of the images that a user chooses: the original may have changed or gone by the time it is sent, or sent
 * again. Large ones are made smaller: twenty phone photos are more than one request may carry and slow to send, while
 * a learner uses only a small part of their pixels.
 */

import { renamed } from './files.js';

/** @typedef {import('./files.js').LeftOut} LeftOut */

const LARGE = 200 * 1024; // bytes: what is smaller goes as it is
const LONGEST_SIDE = 1024; // pixels, still far more than any learner takes
const QUALITY = 0.85;
/** First bytes of the files that the service reads, and of HEIC, which it does not: names and types may be wrong. */
const READABLE = [/^\x89PNG/, /^\xff\xd8\xff/, /^RIFF....WEBP/s, /^BM/];
const HEIC = /^....ftyp(hei[cx]|hev[cx]|mif1|msf1)/s;

/** @param {File} file @returns {boolean} whether it is made smaller, which takes a while */
export const isLarge = (file) => file.size > LARGE;

/**
 * @param {File[]} files
 * @param {(file: File) => string} nameOf its copy
 * @returns {Promise<{ files: File[], leftOut: LeftOut[] }>} copies; files that are gone, closed to
 *   the browser, or no image that the service reads
 */
export async function copyAll(files, nameOf = ({ name }) => name) {
  const copies = [];
  /** @type {LeftOut[]} */
  const leftOut = [];
  // One after the other: twenty decoded photos at once would take gigabytes.
  for (const file of files) {
    const copy = await copyOf(file).catch(() => /** @type {const} */ ('unread'));
    if (copy instanceof File) copies.push(renamed(copy, nameOf(file)));
    else leftOut.push({ name: file.name, why: copy });
  }
  return { files: copies, leftOut };
}

/**
 * @param {File[]} files
 * @returns {Promise<{ files: File[], leftOut: LeftOut[] }>} of `copyAll`, without those that the browser cannot open: each
 *   of these would stop the learning, one after the other
 */
export async function copyExamples(files) {
  const { files: copies, leftOut } = await copyAll(files);
  const sound = [];
  for (const copy of copies) {
    const bitmap = await createImageBitmap(copy).catch(() => null);
    bitmap?.close();
    if (bitmap) sound.push(copy);
    else leftOut.push({ name: copy.name, why: 'damaged' });
  }
  return { files: sound, leftOut };
}

/**
 * @param {Map<string, File[]>} classes label to files
 * @returns {Promise<{ classes: Map<string, File[]>, leftOut: LeftOut[] }>} of `copyExamples`, without classes that nothing is left of
 */
export async function copyClasses(classes) {
  /** @type {Map<string, File[]>} */
  const copied = new Map();
  const leftOut = [];
  for (const [label, originals] of classes) {
    const copies = await copyExamples(originals);
    if (copies.files.length) copied.set(label, copies.files);
    leftOut.push(...copies.leftOut);
  }
  return { classes: copied, leftOut };
}

/**
 * @param {File} file
 * @returns {Promise<File | LeftOut['why']>} the copy, or why there is none; a damaged image is copied as it is, for the service to judge
 */
async function copyOf(file) {
  const disguise = await disguiseOf(file);
  // A browser may read what the service does not: Safari reads HEIC.
  const small = disguise || isLarge(file) ? await shrunk(file).catch(() => null) : null;
  if (disguise) return small ?? disguise;
  return small && small.size < file.size ? small : new File([await file.arrayBuffer()], file.name, { type: file.type });
}

/** @param {File} file @returns {Promise<'heic' | 'empty' | 'disguised' | null>} what it is instead of an image that the service reads */
async function disguiseOf(file) {
  const start = String.fromCharCode(...new Uint8Array(await file.slice(0, 12).arrayBuffer()));
  if (READABLE.some((signature) => signature.test(start))) return null;
  if (!file.size) return 'empty';
  return HEIC.test(start) ? 'heic' : 'disguised';
}

/** @param {File} file @returns {Promise<File | null>} upright, as its camera says */
async function shrunk(file) {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = new OffscreenCanvas(Math.round(bitmap.width * scale), Math.round(bitmap.height * scale));
  const context = canvas.getContext('2d');
  if (!context) return null;
  context.fillStyle = '#ffffff'; // JPEG has no transparency
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: QUALITY });
  return new File([blob], file.name, { type: 'image/jpeg' });
}
