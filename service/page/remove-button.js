/**
 * A button that removes at once what can be taken back. A double click is one press, and so is a key that is held down:
 * after the first, another thing may lie under it.
 */

import { cross, element, singly } from './dom.js';

/**
 * @param {string} label what a screen reader is told; empty where that may change, and is set elsewhere
 * @param {() => void} act
 * @returns {HTMLButtonElement}
 */
export function removeButton(label, act) {
  return element('button', {
    type: 'button', class: 'icon', ...(label ? { 'aria-label': label, title: label } : {}),
    onkeydown: (/** @type {KeyboardEvent} */ event) => { if (event.repeat) event.preventDefault(); },
    onclick: singly(act),
  }, [cross()]);
}
