/** Builds elements and fills the texts of the static page. */

import { texts } from './texts.js';
import { stopped } from './wording.js';

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | boolean | ((event: any) => void)>} [attributes] `text` sets the content,
 *   `on...` a listener, true an empty attribute; false leaves the attribute out
 * @param {(Node | string)[]} [children]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, children = []) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name.slice(2), value);
    else if (name === 'text') made.textContent = String(value);
    else if (value !== false) made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children);
  return made;
}

/**
 * @param {string} id
 * @returns {HTMLElement} the element of the static page
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no element with id ${id}`);
  return found;
}

/** @param {string} id @returns {HTMLInputElement} */
export const inputById = (id) => /** @type {HTMLInputElement} */ (byId(id));

/** @param {string} id @returns {HTMLButtonElement} */
export const buttonById = (id) => /** @type {HTMLButtonElement} */ (byId(id));

/** @param {string} id @returns {HTMLSelectElement} */
export const selectById = (id) => /** @type {HTMLSelectElement} */ (byId(id));

/** @param {EventTarget | null} target @returns {boolean} whether it is an input for text, with pastes and undo of its own */
export const takesText = (target) => target instanceof HTMLInputElement && target.type === 'text';

/**
 * A listener for clicks that takes a double click for one: after the first, another thing may lie under the pointer.
 * @param {() => void} act
 * @returns {(click: MouseEvent) => void}
 */
export const singly = (act) => (click) => { if (!(click.detail > 1)) act(); };

/**
 * Let what is about to go look like it until that is done, or has failed: the note that tells of it may be far away.
 * @param {HTMLElement} part of the page
 * @param {Promise<unknown>} going
 */
export async function fade(part, going) {
  part.classList.toggle('is-going', true);
  await going.finally(() => part.classList.toggle('is-going', false));
}

/** Write the sentences of texts.js into the elements that name them by data-text. */
export function fillTexts() {
  for (const target of document.querySelectorAll('[data-text]')) {
    const key = target.getAttribute('data-text') ?? '';
    target.textContent = /** @type {Record<string, unknown>} */ (texts)[key]?.toString() ?? key;
  }
}

/**
 * Run `action` once calls have stopped for `delay` milliseconds.
 * @param {number} delay
 * @param {() => void} action
 * @returns {{ call: () => void, cancel: () => void }}
 */
export function debounced(delay, action) {
  let timer = 0;
  const cancel = () => window.clearTimeout(timer);
  return {
    cancel,
    call: () => {
      cancel();
      timer = window.setTimeout(action, delay);
    },
  };
}

/**
 * A drawn cross, for buttons that remove.
 * @returns {SVGSVGElement}
 */
export function cross() {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 12 12');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', 'M2.5 2.5l7 7M9.5 2.5l-7 7');
  svg.append(path);
  return svg;
}

/** @param {string} fileName @returns {(Node | string)[]} which breaks before its ending, if it must, rather than within it */
export function breakable(fileName) {
  const dot = fileName.lastIndexOf('.');
  return dot > 0 ? [fileName.slice(0, dot), element('wbr'), fileName.slice(dot)] : [fileName];
}

/** Offer `file` as a download. @param {File} file */
export function saveFile(file) {
  const href = URL.createObjectURL(file);
  element('a', { href, download: file.name }).click();
  window.setTimeout(() => URL.revokeObjectURL(href), 10_000); // Safari reads it some time after the click
}

/**
 * Say in a note what came of something.
 * @param {HTMLElement} note
 * @param {string} news
 * @param {string} [trouble] what failed or was left out: with it, the note is in the colour of a warning
 */
export function tell(note, news, trouble = '') {
  const sentences = [news, trouble && stopped(trouble)].filter(Boolean).join(' ');
  if (note.textContent !== sentences) note.textContent = sentences; // so that a screen reader says it once
  note.classList.toggle('is-news', !trouble);
}

/** Withdraw from a note what went on, unless something else has been told since. @param {HTMLElement} note @param {string} doing */
export function tellOver(note, doing) {
  if (note.textContent === doing) tell(note, '');
}

/**
 * Say what failed or was left out of what the user has just done, and bring that into view: the note may lie dozens of rows below.
 * @param {HTMLElement} note
 * @param {string} trouble
 * @param {string} [news] of what goes on
 */
export function warn(note, trouble, news = '') {
  tell(note, news, trouble);
  if (trouble) note.scrollIntoView({ block: 'nearest' });
}

/**
 * Tie a note about a field to it, until the field is changed.
 * @param {HTMLInputElement} field
 * @param {HTMLElement} note
 */
export function blame(field, note) {
  field.setAttribute('aria-invalid', 'true');
  field.setAttribute('aria-describedby', note.id);
  field.addEventListener('input', () => {
    field.removeAttribute('aria-invalid');
    field.removeAttribute('aria-describedby');
  }, { once: true });
}

/** Say `sentence` to a screen reader. @param {string} sentence */
export function say(sentence) {
  const place = byId('spoken');
  // A screen reader repeats the same words only if the text changes.
  place.textContent = place.textContent === sentence ? `${sentence}\u00a0` : sentence;
}
