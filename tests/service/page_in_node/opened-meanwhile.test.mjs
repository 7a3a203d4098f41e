/** What goes on in a kept classifier while an image moves: other changes, their notes, and what the user does meanwhile. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { button, choose, toOpen } from './small_document.mjs';
import { drag } from './small_drag.mjs';
import { openKept, openShapes, picture, row, select } from './small_opened.mjs';
import { image, settled, until } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');

const text = (id) => document.getElementById(id).textContent;
const move = (name, label) => drag(picture(name).parent)(row(label), 'drop');

let service;
let task;

beforeEach(async () => {
  ({ service, task } = await openShapes());
});

/** @param {string} name of the new class, as one types it */
function type(name) {
  document.getElementById('new-class').value = name;
  document.getElementById('opened-new').dispatchEvent(new Event('input'));
}

test('what was left out of images that came meanwhile is still told when the move is done', async () => {
  const release = service.hold(`POST /v1/tasks/${task.id}/examples/e0`);
  move('0.png', 'cross');
  await settled();
  choose(row('ring').querySelector('input'), [image('more.png'), new File(['x'], 'notes.txt')]);
  await settled();
  const left = text('opened-note');
  assert.ok(left.includes('notes.txt'));
  release();
  await settled();
  assert.ok(picture('more.png') && !row('ring').querySelectorAll('img').includes(picture('0.png')));
  assert.equal(text('opened-note'), left);
});

test('why one move failed is still told when another one is done', async () => {
  const { fetch } = globalThis;
  globalThis.fetch = async () => { globalThis.fetch = fetch; throw new TypeError('offline'); };
  move('0.png', 'cross');
  move('1.png', 'cross');
  await settled();
  assert.equal(text('opened-note'), texts.notMoved(texts.offline));
  assert.ok(text('opened-notice').startsWith(texts.movedImage('1.png', 'cross')));
});

test('moves come one after the other, also where a busy service has the first one asked for again', async () => {
  move('0.png', 'cross');
  await settled();
  type('star');
  drag(picture('0.png').parent)(document.getElementById('opened-new'), 'drop');
  await settled();
  const { fetch } = globalThis;
  globalThis.fetch = async () => { globalThis.fetch = fetch; return new Response('{}', { status: 503, headers: { 'Retry-After': '0' } }); };
  button(texts.undo).click();
  button(texts.undo).click();
  await until(() => row('ring').querySelectorAll('img').length === 2);
  await settled();
  assert.deepEqual(service.tasks.get(task.id).examples.map((one) => one.label), ['ring', 'ring', 'cross']);
});

test('of a classifier that is gone, nothing is told beside another one', async () => {
  service.task('others');
  await openKept('shapes');
  service.tasks.delete(task.id);
  const release = service.hold(`POST /v1/tasks/${task.id}/examples/e0`);
  move('0.png', 'cross');
  toOpen('others').click();
  await settled();
  release();
  await settled();
  assert.equal(text('opened-heading'), 'others');
  assert.equal(text('opened-note'), '');
});

test('a form closes with the images that are folded away, and the keyboard stays at their number', async () => {
  picture('0.png').click();
  const number = row('ring').querySelector('.opened-count');
  number.focus();
  number.click();
  assert.equal(select(), null);
  assert.equal(document.activeElement, number);
  number.click();
  assert.equal(picture('0.png').getAttribute('aria-expanded'), 'false');
});

test('a new class that was picked stays picked while its name goes on', async () => {
  type('sta');
  picture('0.png').click();
  select().value = select().children.at(-1).getAttribute('value');
  type('star');
  assert.equal(select().value, select().children.at(-1).getAttribute('value'));
  button(texts.move).click();
  await settled();
  assert.equal(row('star').querySelector('img'), picture('0.png'));
});

test('the name of its own class makes no new one for an image', async () => {
  type('ring');
  const over = drag(picture('0.png').parent);
  const place = document.getElementById('opened-new');
  assert.deepEqual(over(place, 'dragenter', 'dragover'), [false, false]);
  over(place, 'drop');
  await settled();
  assert.deepEqual(service.asked, []);
  assert.equal(text('opened-notice'), '');
});
