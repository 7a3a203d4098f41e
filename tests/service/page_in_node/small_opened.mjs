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

/** Open the page, and on it the kept classifier of this name. */
export async function openKept(name) {
  await openPage();
  await settled();
  toOpen(name).click();
  await settled();
}

/** @returns a fresh service and its task, once the page shows it; `stored` tells what the service has of it */
export async function openShapes() {
  const service = new SmallService();
  const task = service.task('shapes', ['ring', 'ring', 'cross']);
  await openKept('shapes');
  service.asked = [];
  const stored = () => service.tasks.get(task.id).examples.map(({ filename, label, sha256 }) => [filename, label, sha256].join(' '));
  return { service, task, stored };
}
