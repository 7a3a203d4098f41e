/** Groups images into classes by the folders that they came in: `letters/alpha/1.png` belongs to `alpha`. */

import { leave, pathOf } from './files.js';

/** @typedef {import('./files.js').Found} Found */
/** @typedef {import('./files.js').LeftOut} LeftOut */

/**
 * @param {Found[]} images
 * @returns {{ classes: Map<string, File[]>, leftOut: LeftOut[] }} label to files, empty if no folder names a class; and
 *   the images outside the folders of classes
 */
export function byFolder(images) {
  const inFolders = images.filter(({ folders }) => folders.length);
  const beside = inFolders.length ? images.filter(({ folders }) => !folders.length) : [];
  const root = commonRoot(inFolders);
  const deeper = inFolders.filter(({ folders }) => folders.length > root);
  // An image beside several class folders, such as a cover, belongs to none; a folder with only one folder in it is a class.
  const isDivided = new Set(deeper.map(({ folders }) => folders[root])).size > 1;
  const named = isDivided ? deeper : inFolders;
  const strays = isDivided ? inFolders.filter(({ folders }) => folders.length === root) : [];
  // Browsers read folders in disk order; people expect the order of names, 2 before 10.
  named.sort((one, other) => pathOf(one).localeCompare(pathOf(other), undefined, { numeric: true }));
  const shortest = Math.min(...named.map(({ folders }) => folders.length));
  const depth = Math.min(commonRoot(named), shortest - 1); // the last folder names the class, also where all share it
  /** @type {Map<string, File[]>} */
  const classes = new Map();
  for (const { file, folders } of named) {
    const label = folders.slice(depth).join('/');
    classes.set(label, [...(classes.get(label) ?? []), file]);
  }
  return { classes, leftOut: leave([...strays, ...beside], 'stray') };
}

/** @param {Found[]} images @returns {number} how many folders, from the outermost on, all of them share */
function commonRoot(images) {
  const [first] = images;
  if (!first) return 0;
  const differing = first.folders.findIndex((name, depth) => images.some(({ folders }) => folders[depth] !== name));
  return differing < 0 ? first.folders.length : differing;
}
