/**
 * Makes large photos smaller before they are sent. Twenty photos of a phone are more than one request may
 * carry, and take long to send, while a learner looks at a small part of their pixels only.
 */

const LARGE = 1024 * 1024; // bytes: what is smaller goes as it is
const LONGEST_SIDE = 1600; // pixels, still far more than any learner takes
const QUALITY = 0.92;

/**
 * @param {File[]} files
 * @returns {Promise<File[]>} under the same names; a file that the browser cannot read stays, for the service to judge
 */
export async function shrinkAll(files) {
  const shrunk = [];
  // One after the other: twenty decoded photos at once would take gigabytes.
  for (const file of files) shrunk.push(file.size > LARGE ? await shrink(file).catch(() => file) : file);
  return shrunk;
}

/** @param {File} file @returns {Promise<File>} upright, as its camera says */
async function shrink(file) {
  const bitmap = await createImageBitmap(file);
  const scale = LONGEST_SIDE / Math.max(bitmap.width, bitmap.height);
  if (scale >= 1) return file;
  const canvas = new OffscreenCanvas(Math.round(bitmap.width * scale), Math.round(bitmap.height * scale));
  const context = canvas.getContext('2d');
  if (!context) return file;
  context.fillStyle = '#ffffff'; // JPEG has no transparency
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: QUALITY });
  return new File([blob], file.name, { type: 'image/jpeg' });
}
