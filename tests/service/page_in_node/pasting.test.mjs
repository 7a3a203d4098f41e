/** A paste is text for an input, or images for the class that has the focus or was pressed on. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { openPage } from './small_document.mjs';
import { image, settled, SmallService } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');
const row = () => document.getElementById('classes').children[0];

beforeEach(async () => {
  new SmallService();
  await openPage();
});

/** @returns {Promise<boolean>} whether the page took the paste */
async function paste(target, files, ...types) {
  const event = Object.assign(new Event('paste', { cancelable: true }), { clipboardData: { files, types } });
  Object.defineProperty(event, 'target', { value: target });
  document.dispatchEvent(event);
  await settled();
  return event.defaultPrevented;
}

test('text with a picture of it, pasted into a name, is left to the name', async () => {
  assert.ok(!await paste(row().querySelector('.class-name'), [image('image.png')], 'text/plain', 'text/html', 'Files'));
  assert.equal(row().querySelector('.class-count').textContent, '');
});

test('an image alone, pasted into a name, goes to its class', async () => {
  assert.ok(await paste(row().querySelector('.class-name'), [image('image.png')], 'Files'));
  assert.equal(row().querySelector('.class-count').textContent, texts.imageCount(1));
});

test('beside the inputs for text, the image is taken', async () => {
  assert.ok(await paste(row().querySelector('.icon'), [image('image.png')], 'text/plain', 'Files'));
  assert.equal(row().querySelector('.class-count').textContent, texts.imageCount(1));
});

/** Press on `target`, or move the focus to it, as the document is told. */
function reach(target, kind) {
  const event = new Event(kind);
  Object.defineProperty(event, 'target', { value: target });
  document.dispatchEvent(event);
}
const counts = () => document.getElementById('classes').querySelectorAll('.class-count').map((one) => one.textContent);

test('where one pressed last counts, not where the browser still has its caret', async () => {
  const [first, second] = document.getElementById('classes').children;
  reach(second, 'pointerdown');
  await paste(first.querySelector('.class-count'), [image('image.png')], 'Files');
  assert.deepEqual(counts(), ['', texts.imageCount(1)]);
  reach(first.querySelector('.icon'), 'focusin');
  await paste(document.body, [image('image.png')], 'Files');
  assert.deepEqual(counts(), [texts.imageCount(1), texts.imageCount(1)]);
  reach(document.getElementById('ask-heading'), 'pointerdown');
  await paste(first.querySelector('.class-count'), [image('image.png')], 'Files');
  assert.equal(document.getElementById('answers').children.length, 1);
});

test('what has gone since it was pressed takes nothing', async () => {
  reach(document.createElement('button'), 'pointerdown');
  await paste(row().querySelector('.class-count'), [image('image.png')], 'Files');
  assert.deepEqual(counts(), [texts.imageCount(1), '']);
});
