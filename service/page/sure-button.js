/** A button for what cannot be taken back: the first press asks, the second one acts, and leaving it forgets the first. */

import { element } from './dom.js';
import { texts } from './texts.js';

/**
 * @param {string} text
 * @param {string} label what a screen reader is told
 * @param {() => void} act
 * @returns {HTMLButtonElement}
 */
export function sureButton(text, label, act) {
  const button = element('button', {
    type: 'button', class: 'button quiet', text, 'aria-label': label,
    onclick: () => {
      if (button.dataset.sure) act();
      else Object.assign(button, { textContent: texts.deleteSure, ariaLabel: texts.deleteSure }).dataset.sure = 'yes';
    },
    onblur: () => {
      delete button.dataset.sure;
      Object.assign(button, { textContent: text, ariaLabel: label });
    },
  });
  return button;
}
