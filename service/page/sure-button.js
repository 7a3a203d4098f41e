/**
 * A button for what cannot be taken back: the first press asks, the second one acts, and leaving it forgets the first.
 * A double click is one press, and so is a key that is held down: nobody has read the question in between.
 */

import { element, say, singly } from './dom.js';
import { texts } from './texts.js';

/**
 * @param {string} text
 * @param {string} label what a screen reader is told
 * @param {() => void} act
 * @returns {HTMLButtonElement}
 */
export function sureButton(text, label, act) {
  const forget = () => {
    document.removeEventListener('pointerdown', pressed);
    delete button.dataset.sure;
    Object.assign(button, { textContent: text, ariaLabel: label });
  };
  const pressed = (/** @type {Event} */ { target }) => { if (target !== button) forget(); };
  const button = element('button', {
    type: 'button', class: 'button quiet sure', text, 'aria-label': label, 'data-widest': texts.deleteSure,
    onkeydown: (/** @type {KeyboardEvent} */ event) => { if (event.repeat) event.preventDefault(); },
    onclick: singly(() => {
      if (button.dataset.sure) {
        act();
        return;
      }
      Object.assign(button, { textContent: texts.deleteSure, ariaLabel: texts.deleteSure }).dataset.sure = 'yes';
      say(texts.deleteSure);
      document.addEventListener('pointerdown', pressed); // as Safari gives a pressed button no focus to lose
    }),
    onblur: forget,
  });
  return button;
}
