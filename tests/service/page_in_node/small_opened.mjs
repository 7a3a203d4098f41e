/** A kept classifier, opened on the page: two rings and a cross. */

import { button, openPage, toOpen } from './small_document.mjs';
import { settled, SmallService } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');

export const list = () => document.getElementById('opened-classes');
export const row = (label) => list().children.find((one) => one.querySelector('.opened-label').textContent === label);
export const picture = (name) => list().querySelectorAll('img').find((one) => one.getAttribute('alt') === name);
export const select = () => document.getElementById('move-kept-to');
export const text = (id) => document.getElementById(id).textContent;

/** What each class shows, by its label. */
export const shown = () => Object.fromEntries(list().children.map((one) => [
  one.querySelector('.opened-label').textContent, one.querySelectorAll('img').map((each) => each.getAttribute('alt')).join(' '),
]));

export const remove = (name, label) => button(texts.removeImage(name, label)).click();
export const removeClass = (label) => button(texts.removeClass(label)).click();
export const undo = () => button(texts.undo).click();

/** @returns a fresh service and its task, once the page shows it */
export async function openShapes() {
  const service = new SmallService();
  const task = service.task('shapes', ['ring', 'ring', 'cross']);
  await openPage();
  await settled();
  toOpen('shapes').click();
  await settled();
  service.asked = [];
  return { service, task };
}
