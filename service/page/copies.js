/**
 * Takes copies of the images that a user chooses: a file on the disk may be changed or gone when it is sent, or sent
 * again. Large ones are made smaller: twenty photos of a phone are more than one request may carry, and take long to
 * send, while a learner looks at a small part of their pixels only.
 */

/** @typedef {import('./files.js').LeftOut} LeftOut */

const LARGE = 200 * 1024; // bytes: what is smaller goes as it is
const LONGEST_SIDE = 1024; // pixels, still far more than any learner takes
const QUALITY = 0.85;

/**
 * @param {File[]} files
 * @returns {Promise<{ files: File[], leftOut: LeftOut[] }>} copies under the same names; files that are gone or closed to
 *   the browser
 */
export async function copyAll(files) {
  const copies = [];
  /** @type {LeftOut[]} */
  const leftOut = [];
  // One after the other: twenty decoded photos at once would take gigabytes.
  for (const file of files) {
    const copy = await copyOf(file).catch(() => null);
    if (copy) copies.push(copy);
    else leftOut.push({ name: file.name, why: 'unread' });
  }
  return { files: copies, leftOut };
}

/**
 * @param {Map<string, File[]>} classes label to files
 * @returns {Promise<{ classes: Map<string, File[]>, leftOut: LeftOut[] }>} of `copyAll`, without classes that nothing is left of
 */
export async function copyClasses(classes) {
  /** @type {Map<string, File[]>} */
  const copied = new Map();
  const leftOut = [];
  for (const [label, originals] of classes) {
    const copies = await copyAll(originals);
    if (copies.files.length) copied.set(label, copies.files);
    leftOut.push(...copies.leftOut);
  }
  return { classes: copied, leftOut };
}

/** @param {File} file @returns {Promise<File>} what is no image to the browser as it is, for the service to judge */
async function copyOf(file) {
  const small = file.size > LARGE ? await shrunk(file).catch(() => null) : null;
  return small && small.size < file.size ? small : new File([await file.arrayBuffer()], file.name, { type: file.type });
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
