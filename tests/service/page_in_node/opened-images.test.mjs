/** The images of a kept classifier: any of them can be removed as long as it is open. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { button, choose, openKept } from './small_document.mjs';
import { image, settled } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');
const shown = (look) => document.getElementById('opened-classes').querySelectorAll(look).map((one) => one.textContent);
const counts = () => shown('.opened-count');
const labels = () => shown('.opened-label');
const input = (label) => document.getElementById('opened').querySelectorAll('input')
  .find((one) => one.getAttribute('aria-label') === texts.addImagesTo(label));

let service;
let task;

beforeEach(async () => {
  ({ service, task } = await openKept('shapes'));
});

const remove = (name, label) => {
  button(texts.removeImage(name, label)).click();
  return settled();
};

test('each of its images can be removed, by its name', async () => {
  choose(input('ring'), [image('wrong.png')]);
  await settled();
  await remove('wrong.png', 'ring');
  assert.deepEqual(service.tasks.get(task.id).examples.map((one) => one.filename), ['0.png', '1.png']);
  assert.deepEqual(counts(), [1, 1].map((count) => texts.imageCount(count)));
  assert.equal(document.activeElement, button(texts.removeImage('0.png', 'ring')));
});

test('with its last image a class goes, and the keyboard to the next one', async () => {
  document.getElementById('new-class').value = 'star';
  choose('choose-new-class', [image('star.png')]);
  await settled();
  await remove('0.png', 'ring');
  assert.deepEqual(labels(), ['cross', 'star']);
  assert.equal(document.activeElement, button(texts.imagesOf(1, 'cross')));
  await remove('star.png', 'star');
  assert.equal(document.activeElement, button(texts.removeImage('star.png', 'star')), 'or stays, as two must remain');
});
