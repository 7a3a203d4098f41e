/** A kept classifier, opened on the page: two rings and a cross. */

import { openPage, toOpen } from './small_document.mjs';
import { settled, SmallService } from './small_service.mjs';

export const list = () => document.getElementById('opened-classes');
export const row = (label) => list().children.find((one) => one.querySelector('.opened-label').textContent === label);
export const picture = (name) => list().querySelectorAll('img').find((one) => one.getAttribute('alt') === name);
export const select = () => document.getElementById('move-kept-to');

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
