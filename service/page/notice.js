/** One line at the foot of the page that offers to take the last removal back, by its button or by Ctrl+Z. */

import { byId, element, takesText } from './dom.js';
import { texts } from './texts.js';

const SHOWN_FOR = 12_000; // milliseconds
let timer = 0;
let keys = new AbortController();

/**
 * @param {string} sentence
 * @param {() => void} undo
 */
export function offerUndo(sentence, undo) {
  const notice = byId('notice');
  keys.abort(); // they are for the last removal only
  keys = new AbortController();
  const hide = () => {
    keys.abort();
    notice.replaceChildren();
  };
  /** @type {EventTarget | null} where the keyboard came from */
  let before = null;
  const hideLater = () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(hide, SHOWN_FOR);
  };
  const takeBack = () => {
    undo();
    if (notice.contains(document.activeElement) && before instanceof HTMLElement) before.focus();
    hide();
  };
  const button = element('button', {
    type: 'button', class: 'button', text: texts.undo, onclick: takeBack,
    onfocus: (/** @type {FocusEvent} */ event) => {
      before = event.relatedTarget;
      window.clearTimeout(timer); // whoever reaches it by keyboard has the time to press it
    },
    onblur: hideLater,
  });
  document.addEventListener('keydown', (event) => {
    // Names and sheets have an undo of their own.
    if (event.key.toLowerCase() !== 'z' || !(event.ctrlKey || event.metaKey) || event.shiftKey) return;
    if (event.defaultPrevented || takesText(event.target)) return;
    event.preventDefault();
    takeBack();
  }, { signal: keys.signal });
  notice.replaceChildren(element('span', { text: sentence }), button);
  hideLater();
}
