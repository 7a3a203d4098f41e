/**
 * Every sentence of the page, in English. A translation replaces this module and nothing else:
 * strings stand as they are, functions carry what changes inside a sentence.
 */

import { told } from './names.js';

/** @param {number} count @param {string} one @param {string} many */
const plural = (count, one, many) => (count === 1 ? one : many);

/** @param {string[]} names @returns {string} */
const some = (names) => `${names.slice(0, 3).map(told).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`;

/** @param {number} share 0..1 @returns {string} a percentage that never rounds doubt away */
export function percent(share) {
  if (share > 0 && share < 0.005) return '<1%';
  if (share < 1 && share > 0.995) return '>99%';
  return `${Math.round(share * 100)}%`;
}

/** @param {number} milliseconds @returns {string} */
export function duration(milliseconds) {
  return milliseconds < 1000 ? `${Math.max(1, Math.round(milliseconds))} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** An interval wider than this, of a share, supports no single number. */
const VAGUE = 0.3;

/** @param {number} accuracy 0..1 @returns {string} */
function odds(accuracy) {
  if (accuracy >= 0.995) return 'nearly always';
  if (accuracy >= 0.95) return `about ${Math.round(accuracy * 100)} times in 100`;
  return `about ${Math.round(accuracy * 10)} times in 10`;
}

/** @param {string} sentence @returns {string} with a full stop, unless it ends with one, or with the ellipsis of a shortened name */
export const stopped = (sentence) => (/[.!?…]$/.test(sentence) ? sentence : `${sentence}.`);

/** @param {string} label @returns {string} that is never empty */
const named = (label) => label || 'the unnamed class';

/** @param {string} label @returns {string} the same, short enough for a sentence */
const toldClass = (label) => told(named(label));

export const texts = {
  lead: 'Show it a few images of each class. Seconds later, it recognises new ones.',
  tryExample: 'Try an example',
  skipToAsk: 'Skip to a new image',

  classesHeading: 'Your classes',
  classesHint: 'At least two, with one or more images each. A class is whatever you name: a letter, a leaf, a crack.',
  classesAdvice: 'More images help: for photos of five classes, five images of each instead of one raise correct answers from 66% to 82%.',
  addClass: 'Add a class',
  chooseFolder: 'Add a folder of classes',
  defaultLabel: (/** @type {number} */ number) => `Class ${number}`,
  className: (/** @type {number} */ number) => `Name of class ${number}`,
  classNameHint: 'Name',
  imageCount: (/** @type {number} */ count) => `${count} ${plural(count, 'image', 'images')}`,
  imagesOf: (/** @type {number} */ count, /** @type {string} */ label) => `${count} ${plural(count, 'image', 'images')} of ${label}`,
  remove: 'Remove',
  removeClass: (/** @type {string} */ label) => (label ? `Remove class ${label}` : `Remove ${named(label)}`),
  removeImage: (/** @type {string} */ name, /** @type {string} */ label) => `Remove ${name} from ${named(label)}`,
  moveImage: (/** @type {string} */ name) => `Move ${name} to another class`,
  moveTo: (/** @type {string} */ name) => `Move ${told(name)} to`,
  move: 'Move',
  add: 'Add',
  cancel: 'Cancel',
  classOption: named,
  movedImage: (/** @type {string} */ name, /** @type {string} */ label) => `Moved ${told(name)} to ${toldClass(label)}.`,
  emptyTray: 'Drop or paste images here, choose files, or draw.',
  chooseImages: 'Choose images',
  chooseImagesFor: (/** @type {string} */ label) => `Choose images for ${named(label)}`,
  draw: 'Draw',
  drawFor: (/** @type {string} */ label) => `Draw images for ${named(label)}`,
  removedClass: (/** @type {string} */ label, /** @type {number} */ count) =>
    count ? `Removed ${toldClass(label)} with its ${count} ${plural(count, 'image', 'images')}.` : `Removed ${toldClass(label)}.`,
  removedImage: (/** @type {string} */ name) => `Removed ${told(name)}.`,
  replacedClasses: 'The example has replaced your classes.',
  undo: 'Undo',
  undone: 'Undone.',
  before: (/** @type {string} */ sentence) => `Before that: ${sentence}`,
  undoKeys: 'Ctrl+Z',
  undoKeysOfMac: 'Cmd+Z',
  closeNotice: 'Close without undoing',
  dropFolderHint: 'Drop a folder that contains one folder per class, or drop images onto a class.',
  reading: (/** @type {number} */ count) => `Reading ${count} ${plural(count, 'image', 'images')}…`,
  noImages: 'There are no images in it. Metashot reads PNG, JPEG, WebP and BMP.',
  refused: (/** @type {string[]} */ names) => [
    `Left out ${some(names)}:`,
    'Metashot reads PNG, JPEG, WebP and BMP images.',
    names.some((name) => /\.zip$/i.test(name)) ? 'Unzip archives first, then drop the folder.' : '',
  ].filter(Boolean).join(' '),

  heic: (/** @type {string[]} */ names) =>
    `Left out ${some(names)}: ${plural(names.length, 'it is a HEIC image', 'they are HEIC images')}, whatever the name says.`,
  heicAdvice: 'HEIC is the iPhone’s format: export such photos as JPEG, and for new ones set Settings > Camera > Formats > Most Compatible.',
  disguised: (/** @type {string[]} */ names) =>
    `Left out ${some(names)}: ${plural(names.length, 'it is not a', 'they are not')} PNG, JPEG, WebP or BMP ${plural(names.length, 'image', 'images')}, whatever the name says.`,
  empty: (/** @type {string[]} */ names) =>
    `Left out ${some(names)}: ${plural(names.length, 'the file is', 'the files are')} empty. Copy ${plural(names.length, 'it', 'them')} again from where ${plural(names.length, 'it', 'they')} came.`,
  damaged: (/** @type {string[]} */ names) =>
    `Left out ${some(names)}: this browser cannot open ${plural(names.length, 'it, so it is', 'them, so they are')} probably damaged.`,
  unread: (/** @type {string[]} */ names) =>
    `${some(names)} could not be read: choose ${plural(names.length, 'it', 'them')} again.`,
  stray: (/** @type {string[]} */ names) => `Left out ${some(names)}: ${plural(names.length, 'it is', 'they are')} not in a class folder.`,
  exampleFailed: 'The example could not be loaded. Check that the service is running, then try again.',

  drawingName: 'drawing.png',
  padFor: (/** @type {string} */ label) => `Drawing pad for ${named(label)}. To work without a pointer, choose images instead.`,
  padQuery: 'Drawing pad for a new image. To work without a pointer, choose images instead.',
  drawHere: 'Draw here',
  clear: 'Clear',
  addDrawing: 'Add this drawing',
  closePad: 'Done',

  needClass: 'Add a second class: with only one, there is nothing to tell apart.',
  needName: 'One class has no name yet: give it one.',
  needShorter: (/** @type {string} */ label, /** @type {number} */ most) =>
    `The name ${[...label].slice(0, 30).join('')}… is too long. Use at most ${most} characters.`,
  needNoDots: (/** @type {string} */ label) => `${label} cannot be a class name: a part of it is “.” or “..”. Give that class another name.`,
  needOther: (/** @type {string} */ label) => `Two classes are called ${label}. Rename one of them.`,
  needImages: (/** @type {string[]} */ labels) => {
    if (labels.length === 1) return `${told(labels[0])} needs an image.`;
    const all = labels.length > 3 ? some(labels) : `${some(labels.slice(0, -1))} and ${told(labels[labels.length - 1])}`;
    return `${all} need an image each.`;
  },
  needSound: (/** @type {string} */ label) => `${told(label)} contains an image that the service cannot read. Remove it to continue.`,
  waiting: (/** @type {string} */ obstacle) => `Not ready yet. ${obstacle}`,

  askHeading: 'A new image',
  askHint: 'Choose, drop or paste it here, or draw: it is answered as you draw.',
  answersAdvice: 'Percentages say how likely each class is if the image belongs to one of them. “Fits none of your classes” is only a hint: of photos that belong to none, it catches a quarter to two fifths.',
  chooseQueries: 'Choose images',
  chooseQueriesHint: 'one or many',
  making: 'Learning your classes…',
  ready: (/** @type {number} */ took) => `Ready: learned in ${duration(took)}.`,
  readyOpened: 'Ready.',
  estimate: (/** @type {number} */ accuracy, /** @type {number} */ low, /** @type {number} */ high) => (high - low > VAGUE
    ? `Too few images to say how good it is: it may be right between ${percent(low)} and ${percent(high)} of the time. More images of each class make it better, and this estimate surer.`
    : `Expected to be right ${odds(accuracy)} on new images of these classes (between ${percent(low)} and ${percent(high)}).`),
  imageIn: (/** @type {string} */ name, /** @type {string} */ label) => `${told(name)} in ${told(label)}`,
  sharedImages: (/** @type {number} */ count, /** @type {string[]} */ places) => (count === 1
    ? `The same image is in several classes: ${places.join(', ')}. Remove it wherever it does not belong.`
    : `${count} images are each in several classes; one of them is ${places.join(', ')}. Remove them wherever they do not belong.`),
  repeatedImages: (/** @type {number} */ count, /** @type {string[]} */ names, /** @type {string} */ label) => (count === 1
    ? `The same image is in ${told(label)} more than once: ${some(names)}. Remove all but one: repeats teach nothing.`
    : `${count} images are each in one class more than once; one of them is ${some(names)} in ${told(label)}. Remove all but one of each: repeats teach nothing.`),
  tryAgain: 'Try again',
  tryAgainFor: (/** @type {string} */ name) => `Try again: ${name}`,
  offline: 'The service does not answer. Check that it is running, then try again.',
  badAnswer: 'This page cannot read the service’s answer. Try again; if that does not help, look at the service’s log.',
  busy: 'The service is busy with other work. Try again in a moment.',
  tooMuch: 'These are more images than one request may carry. Use fewer or smaller ones.',
  tooManyFiles: (/** @type {string} */ most) => `The service takes at most ${most} images at once. Use fewer.`,
  tooManyExamples: (/** @type {string} */ most) => `One classifier takes at most ${most} images. Use fewer.`,
  tooManyClasses: (/** @type {string} */ most) => `One classifier takes at most ${most} classes. Use fewer.`,
  tooFewRemain: 'A classifier needs two classes. Add images of another class first, or delete the whole classifier.',
  stillHere: (/** @type {string} */ problem) => `${problem} Your classes and images are still here.`,
  taskGone: 'The service no longer has this classifier. Go back to your own classes, or open another one.',

  blankAnswer: 'The answer to your drawing appears here.',
  pendingAnswer: 'Waiting until your classes are ready.',
  unlearned: 'No answer yet: your classes could not be learned. The reason is above.',
  asking: 'Looking…',
  askingAgain: 'Looking again…',
  unknown: 'Fits none of your classes',
  closest: (/** @type {string} */ label) => `The closest is ${told(label)}.`,
  took: (/** @type {number} */ milliseconds) => `Answered in ${duration(milliseconds)}`,
  tookMany: (/** @type {number} */ milliseconds, /** @type {number} */ count) => `${count} images answered in ${duration(milliseconds)}`,
  answeredSoFar: (/** @type {number} */ done, /** @type {number} */ all) => `Answered ${done} of ${all} images…`,
  others: (/** @type {number} */ count) => `${count} others`,
  answersHeading: 'Answers',
  saveAnswers: 'Save as CSV',
  moreAnswers: (/** @type {number} */ count) => `Show ${count} more ${plural(count, 'answer', 'answers')}`,
  showAnswers: 'Show',
  allAnswers: (/** @type {number} */ count) => `All answers (${count})`,
  answersOf: (/** @type {string} */ label, /** @type {number} */ count) => `${told(label)} (${count})`,
  answersUnknown: (/** @type {number} */ count) => `Fits none (${count})`,
  answersMissing: (/** @type {number} */ count) => `Without an answer (${count})`,
  orderAnswers: 'Order',
  asGiven: 'As given',
  leastSure: 'Least sure first',
  answersFile: 'answers.csv',
  nearest: 'Most similar among your images (1\u00a0is\u00a0identical)',
  similarity: (/** @type {number} */ value) => value.toFixed(2).replace('-', '−'),
  useAsExample: 'Use as an example',
  useAsExampleFor: (/** @type {string} */ name) => `Use ${name} as an example`,
  useFor: (/** @type {string} */ name) => `Use ${told(name)} as an example of`,
  usedFor: (/** @type {string} */ label) => `Added to ${toldClass(label)}.`,
  spokenUsed: (/** @type {string} */ name, /** @type {string} */ label) => `Added ${name} to ${named(label)}.`,
  removeQuery: (/** @type {string} */ name) => `Remove ${name}`,
  spokenUnknown: (/** @type {string} */ name) => `${name} fits none of your classes.`,
  spokenAnswer: (/** @type {string} */ name, /** @type {string} */ label, /** @type {number} */ probability) =>
    `${name}: ${label}, ${percent(probability)}.`,
  spokenProblem: (/** @type {string} */ name, /** @type {string} */ problem) => `${name}: ${stopped(problem)}`,
  spokenMany: (/** @type {number} */ count) => `${count} ${plural(count, 'image', 'images')} answered.`,
  spokenFailed: (/** @type {number} */ count) => `${count} could not be answered.`,
  yourDrawing: 'Your drawing',

  goOnHeading: 'Keep this classifier',
  goOnKept: 'Kept',
  keepHint: 'Kept, it can be used again later, by everyone who can open this page and by programs. Otherwise it lasts until you change your classes or leave this page.',
  keepName: 'Name',
  keep: 'Keep it',
  nameKept: 'Give it a name first.',
  keepLater: 'Wait until your classes are learned, then keep the classifier.',
  keeping: 'Keeping…',
  kept: (/** @type {string} */ name) => stopped(`Kept as ${name}`),
  keptBefore: (/** @type {string} */ name) => `Kept as ${name}, without what you have changed since.`,
  suggestedName: (/** @type {string[]} */ labels) => {
    const all = labels.join(', ');
    return all.length > 60 ? `${all.slice(0, 59)}…` : all;
  },
  learnedWith: (/** @type {string} */ model) => `Learned with the initialization “${model}”.`,

  keptHeading: 'Kept classifiers',
  keptMore: 'Show more',
  keptMissed: (/** @type {string} */ problem) => `Kept classifiers could not be listed. ${problem}`,
  keptAccuracy: (/** @type {number} */ accuracy, /** @type {number} */ low, /** @type {number} */ high) =>
    (high - low > VAGUE ? 'too few images to say how good it is' : `right ${odds(accuracy)}`),
  made: (/** @type {Date} */ date) => date.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium' }),
  open: 'Open',
  openTask: (/** @type {string} */ name, /** @type {string} */ made) => `Open ${name}, made ${made}`,
  delete: 'Delete',
  deleteTask: (/** @type {string} */ name, /** @type {string} */ made) => `Delete ${name}, made ${made}`,
  deleteSure: 'Delete for good',
  deleted: (/** @type {string} */ name) => stopped(`Deleted ${name}`),
  deletedBefore: (/** @type {string} */ name) => `${name} had been deleted already.`,
  untitled: 'Without a name',
  openedHint: 'A kept classifier. You can add images, which make it better, and classes. Drag an image onto another class, or press it, to move it there. Your own classes wait unchanged.',
  addImages: 'Add images',
  newClass: 'New class',
  addImagesToNew: 'Add images to a new class',
  drawNew: 'Draw images for a new class',
  padNew: 'Drawing pad for a new class. To work without a pointer, choose images instead.',
  nameFirst: 'Name the new class first, then add its images.',
  imagesNext: (/** @type {string} */ label) => `Now add images of ${told(label)}: choose, drop or paste them, or draw.`,
  addImagesTo: (/** @type {string} */ label) => `Add images to ${label}`,
  adding: (/** @type {number} */ count) => `Learning ${count} more ${plural(count, 'image', 'images')}…`,
  addedImages: (/** @type {number} */ count, /** @type {string} */ label) => `Added ${count} ${plural(count, 'image', 'images')} to ${toldClass(label)}.`,
  addedToClasses: (/** @type {number} */ images, /** @type {number} */ classes) =>
    `Added ${images} ${plural(images, 'image', 'images')} to ${classes} ${plural(classes, 'class', 'classes')}.`,
  removing: (/** @type {number} */ count) => `Removing ${count} ${plural(count, 'image', 'images')}…`,
  puttingBack: (/** @type {number} */ count) => `Putting back ${count} ${plural(count, 'image', 'images')}…`,
  notPutBack: (/** @type {number} */ count, /** @type {string} */ problem) => `${count} ${plural(count, 'image', 'images')} could not be put back. ${problem}`,
  moving: (/** @type {string} */ name) => `Moving ${told(name)}…`,
  notMoved: (/** @type {string} */ problem) => `Nothing was moved. ${problem}`,
  imageGone: (/** @type {string} */ name) => `${told(name)} had been removed already.`,
  notAdded: (/** @type {string} */ problem) => `Nothing was added. ${problem}`,
  keepsChanging: 'Somebody else keeps changing this classifier. Try again in a moment.',
  dropOnClass: 'Drop images onto the class they belong to, or drop a folder that contains one folder per class.',
  closeOpened: 'Back to your own classes',

  footerPrivacy: 'Your images go to this service only; the page loads nothing from elsewhere.',
  footerPrograms: 'For programs',
  commandNone: 'From a terminal or a program, learn from one image per class and classify another; nothing is kept:',
  commandDraft: 'Use this classifier from a terminal or a program. Keep it first, or its address stops working with your next change:',
  commandKept: 'Use this kept classifier from a terminal or a program:',
  queryPlaceholder: 'new-image.png',
  labelPlaceholders: ['leaf', 'flower'],
  copy: 'Copy',
  copied: 'Copied',
  copyFailed: 'The browser did not allow copying: select the command and copy it with the keyboard.',
  footerAnswer: 'The answer is JSON.',
  footerApi: 'All routes, as OpenAPI (JSON)',
};
