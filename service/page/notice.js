/** One line at the foot of the page that offers to take the last removal back. */

import { byId, element } from './dom.js';
import { texts } from './texts.js';

const SHOWN_FOR = 12_000; // milliseconds
let timer = 0;

/**
 * @param {string} sentence
 * @param {() => void} undo
 */
export function offerUndo(sentence, undo) {
  const notice = byId('notice');
  const hide = () => notice.replaceChildren();
  /** @type {EventTarget | null} where the keyboard came from */
  let before = null;
  const hideLater = () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(hide, SHOWN_FOR);
  };
  const button = element('button', {
    type: 'button', class: 'button', text: texts.undo,
    onclick: () => {
      undo();
      if (before instanceof HTMLElement) before.focus();
      hide();
    },
    onfocus: (/** @type {FocusEvent} */ event) => {
      before = event.relatedTarget;
      window.clearTimeout(timer); // whoever reaches it by keyboard has the time to press it
    },
    onblur: hideLater,
  });
  notice.replaceChildren(element('span', { text: sentence }), button);
  hideLater();
}
