/** An image of a class on the page: its picture, which is dragged to another class or pressed to go there, and the button that removes it. */

import { element, singly } from './dom.js';
import { EXAMPLE, offerDrags } from './dragged.js';
import { texts } from './texts.js';

/**
 * @param {'figure' | 'li'} tag
 * @param {{ image: import('./dragged.js').Image, name: string, src: string, loading: 'eager' | 'lazy' }} what
 * @param {(picture: HTMLElement) => void} askWhereTo the image shall go
 * @param {HTMLElement} remove
 * @returns {HTMLElement}
 */
export function tile(tag, { image, name, src, loading }, askWhereTo, remove) {
  const press = () => askWhereTo(picture);
  // No button element: not every browser lets one be dragged.
  const picture = element('img', {
    loading, src, alt: name, role: 'button', tabindex: '0', 'aria-label': texts.moveImage(name), title: texts.moveImage(name),
    'aria-expanded': 'false', draggable: 'false', onclick: singly(press),
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault(); // the space bar would scroll
      press();
    },
  });
  const made = element(tag, { class: 'tile', title: name, draggable: 'true' }, [picture, remove]);
  offerDrags(made, EXAMPLE, image, name);
  return made;
}
