/** What is removed from a kept classifier can come back: its images are fetched first, and then given anew. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { button, choose, spoken } from './small_document.mjs';
import { drag } from './small_drag.mjs';
import { openShapes, picture, remove, removeClass, row, shown, text, undo } from './small_opened.mjs';
import { cutOff, image, instead, settled } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');

let service;
let task;
let stored;

beforeEach(async () => {
  ({ service, task, stored } = await openShapes());
});

test('an image goes at one press, its file fetched before, and comes back to its place', async () => {
  remove('0.png', 'ring');
  assert.equal(text('opened-note'), texts.removing(1));
  await settled();
  const example = `/v1/tasks/${task.id}/examples/e0`;
  assert.deepEqual(service.asked.filter((one) => one.includes('/examples/')), [`GET ${example}`, `DELETE ${example}`]);
  assert.deepEqual(shown(), { ring: '1.png', cross: '2.png' });
  assert.ok(text('opened-notice').startsWith(texts.removedImage('0.png')));
  assert.equal(text('opened-note'), '');
  assert.equal(document.activeElement, button(texts.removeImage('1.png', 'ring')));

  undo();
  assert.equal(text('opened-note'), texts.puttingBack(1));
  await settled();
  assert.deepEqual(shown(), { ring: '0.png 1.png', cross: '2.png' });
  assert.deepEqual(stored(), ['1.png ring 1', '2.png cross 2', '0.png ring 0']);
  assert.deepEqual([text('opened-note'), text('opened-notice')], ['', '']);
  assert.equal(spoken(), texts.undone);
  assert.equal(document.activeElement, button(texts.removeImage('1.png', 'ring')));
});

test('what is about to go looks like it, until it is known whether it does', async () => {
  const tile = picture('0.png').parent;
  const going = () => [tile, row('ring')].map((one) => one.classList.contains('is-going'));
  const release = service.hold(`DELETE /v1/tasks/${task.id}/examples/e0`);
  instead((one) => one.startsWith('DELETE'), cutOff, false);
  remove('0.png', 'ring');
  assert.deepEqual(going(), [true, false]);
  await settled();
  assert.deepEqual(going(), [false, false]);
  remove('0.png', 'ring');
  await settled();
  assert.deepEqual(going(), [true, false], 'the note may be far below');
  release();
  removeClass('ring');
  assert.deepEqual(going(), [true, true]);
  await settled();
  assert.deepEqual(going()[1], false);
});

test('a class goes at one press, the keyboard to the next one, and it comes back with all images', async () => {
  choose(row('ring').querySelector('input'), [image('3.png')]);
  document.getElementById('new-class').value = 'a/b? #%2F';
  drag(picture('2.png').parent)(document.getElementById('opened-new'), 'drop');
  choose(row('cross')?.querySelector('input') ?? 'choose-new-class', []);
  await settled();
  document.getElementById('new-class').value = 'star';
  choose('choose-new-class', [image('4.png')]);
  await settled();
  const before = shown();
  assert.deepEqual(Object.keys(before), ['ring', 'a/b? #%2F', 'star']);
  service.asked = [];
  for (const [label, next, names] of [['a/b? #%2F', 'star', 1], ['ring', '', 3]]) {
    removeClass(label);
    await settled();
    if (!next) break;
    assert.deepEqual(service.asked.filter((one) => one.startsWith('DELETE')), [`DELETE /v1/tasks/${task.id}/classes/${label.split('/').map(encodeURIComponent).join('/')}`]);
    assert.ok(text('opened-notice').startsWith(texts.removedClass(label, names)));
    assert.equal(document.activeElement, button(texts.removeClass(next)));
    assert.deepEqual(Object.keys(shown()), ['ring', 'star']);
  }
  assert.equal(text('opened-note'), texts.tooFewRemain);
  assert.equal(service.asked.filter((one) => one.startsWith('GET') && one.includes('/examples/')).length, 1, 'none that stay');
  undo();
  await settled();
  assert.deepEqual(Object.entries(shown()).sort(), Object.entries(before).sort());
  removeClass('star');
  await settled();
  removeClass('ring');
  await settled();
  undo();
  await settled();
  assert.deepEqual(Object.entries(shown()).sort(), Object.entries(before).sort());
});

test('two that are removed one right after the other come back, the last one first', async () => {
  choose(row('ring').querySelector('input'), [image('3.png')]);
  await settled();
  remove('0.png', 'ring');
  remove('1.png', 'ring');
  remove('0.png', 'ring'); // pressed again while nothing seems to happen
  await settled();
  assert.deepEqual(shown(), { ring: '3.png', cross: '2.png' });
  assert.equal(text('opened-note'), '');
  undo();
  undo();
  await settled();
  assert.deepEqual(shown(), { ring: '0.png 1.png 3.png', cross: '2.png' });
  assert.equal(stored().length, 4);
});

test('what was offered before still means an image that came back under another id', async () => {
  choose(row('cross').querySelector('input'), [image('3.png'), image('4.png')]);
  await settled();
  drag(picture('3.png').parent)(row('ring'), 'drop');
  await settled();
  remove('3.png', 'ring');
  await settled();
  undo();
  undo(); // both at once: each waits for the one before
  await settled();
  assert.deepEqual(shown(), { ring: '0.png 1.png', cross: '2.png 3.png 4.png' });
  undo();
  await settled();
  assert.deepEqual(shown(), { ring: '0.png 1.png', cross: '2.png' });
});

test('images that were added are taken back only after one of them that was removed is back', async () => {
  choose(row('cross').querySelector('input'), [image('3.png'), image('4.png')]);
  await settled();
  remove('3.png', 'cross');
  await settled();
  undo();
  undo();
  await settled();
  assert.deepEqual(shown(), { ring: '0.png 1.png', cross: '2.png' });
  assert.equal(spoken().trim(), texts.undone);
});

test('an image given while another one of its name can be put back gets another name', async () => {
  remove('0.png', 'ring');
  await settled();
  choose(row('cross').querySelector('input'), [image('0.png')]);
  await settled();
  assert.equal(shown().cross, '2.png 0 (2).png');
  undo();
  undo();
  await settled();
  assert.deepEqual(shown(), { ring: '0.png 1.png', cross: '2.png' });
});

test('a key that is held down removes one', async () => {
  const cross = button(texts.removeImage('0.png', 'ring'));
  const held = Object.assign(new Event('keydown', { cancelable: true }), { key: 'Enter', repeat: true });
  cross.dispatchEvent(held);
  assert.ok(held.defaultPrevented);
  cross.dispatchEvent(Object.assign(new Event('click'), { detail: 2 }));
  await settled();
  assert.equal(stored().length, 3, 'nor does the second press of a double click remove another one');
});

test('the keyboard that came from what has been removed since goes to the heading', async () => {
  drag(picture('1.png').parent)(row('cross'), 'drop');
  await settled();
  drag(picture('1.png').parent)(row('ring'), 'drop');
  await settled();
  const release = service.hold(`DELETE /v1/tasks/${task.id}/examples/e0`);
  remove('0.png', 'ring');
  await settled();
  button(texts.undo).focus();
  release();
  await settled();
  assert.ok(text('opened-notice').startsWith(texts.removedImage('0.png')));
  assert.equal(document.activeElement, button(texts.undo), 'of the new offer');
  button(texts.closeNotice).click();
  assert.equal(document.activeElement.id, 'opened-heading');
});
