/** An image in a wrong class of a kept classifier moves to another one: dragged there, or by a form for keys and touch. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { button, choose, toOpen } from './small_document.mjs';
import { drag } from './small_drag.mjs';
import { list, openKept, openShapes, picture, row, select, shown, text } from './small_opened.mjs';
import { image, settled } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');

const stored = () => Object.fromEntries(service.tasks.get(task.id).examples.map(({ filename, label }) => [filename, label]));

let service;
let task;

beforeEach(async () => {
  ({ service, task } = await openShapes());
});

/** Let the service refuse what `isMeant` says. */
function refuse(isMeant, body, status) {
  const { fetch } = globalThis;
  globalThis.fetch = async (path, init) => (isMeant(path, init) ? new Response(JSON.stringify(body), { status }) : fetch(path, init));
  return () => { globalThis.fetch = fetch; };
}

test('its images are shown, each under its address, when they come into view', () => {
  assert.deepEqual(shown(), { ring: '0.png 1.png', cross: '2.png' });
  assert.equal(picture('1.png').getAttribute('src'), `v1/tasks/${task.id}/examples/e1`);
  assert.equal(picture('1.png').getAttribute('loading'), 'lazy');
  assert.equal(picture('1.png').parent.getAttribute('title'), '1.png');
});

test('many of one class are folded away at first, and stay as one leaves them', async () => {
  service.tasks.delete(task.id);
  service.task('large', [...Array(25).fill('many'), 'few']);
  await openKept('large');
  const hidden = () => list().children.map((one) => one.querySelector('.opened-images').hidden);
  assert.deepEqual(hidden(), [true, false]);
  for (const one of list().querySelectorAll('.opened-count')) one.click();
  assert.deepEqual(hidden(), [false, true]);
  choose(row('few').querySelector('input'), [image('more.png')]);
  await settled();
  assert.deepEqual(hidden(), [false, true]);
  assert.deepEqual(list().querySelectorAll('.opened-count').map((one) => one.getAttribute('aria-expanded')), ['true', 'false']);
});

test('a tile dragged onto another class is moved there by one request, and back by undoing', async () => {
  const over = drag(picture('0.png').parent);
  assert.deepEqual(over(row('cross'), 'dragenter', 'dragover'), [true, true]);
  assert.ok(row('cross').classList.contains('is-target'));
  over(row('cross'), 'drop');
  assert.equal(text('opened-note'), texts.moving('0.png'));
  await settled();
  assert.deepEqual(service.asked.filter((one) => one.includes('/examples')), [`POST /v1/tasks/${task.id}/examples/e0`]);
  assert.deepEqual(shown(), { ring: '1.png', cross: '0.png 2.png' });
  assert.deepEqual(stored(), { '0.png': 'cross', '1.png': 'ring', '2.png': 'cross' });
  assert.ok(text('opened-notice').startsWith(texts.movedImage('0.png', 'cross')));
  assert.equal(text('opened-note'), '');
  button(texts.undo).click();
  await settled();
  assert.deepEqual(shown(), { ring: '0.png 1.png', cross: '2.png' });
  assert.equal(text('opened-notice'), '');
});

test('on its own class, or beside every class, a dragged tile is not taken', async () => {
  for (const zone of [row('ring'), document.getElementById('opened'), document.getElementById('ask'), document]) {
    const over = drag(picture('0.png').parent);
    assert.deepEqual(over(zone, 'dragenter', 'dragover'), [false, false]);
    over(zone, 'drop');
    await settled();
  }
  assert.deepEqual(service.asked, []);
  for (const note of ['opened-note', 'query-note', 'opened-notice']) assert.equal(text(note), '');
});

test('dropped on the place for a new class, it needs a name, and then makes that class', async () => {
  const place = document.getElementById('opened-new');
  const name = document.getElementById('new-class');
  drag(picture('0.png').parent)(place, 'dragenter', 'drop');
  assert.equal(text('opened-note'), texts.nameFirst);
  assert.equal(document.activeElement, name);
  assert.deepEqual(service.asked, []);
  name.value = ' star ';
  drag(picture('0.png').parent)(place, 'dragenter', 'drop');
  await settled();
  assert.deepEqual(shown(), { ring: '1.png', cross: '2.png', star: '0.png' });
  assert.equal(name.value, '');
});

test('pressing a picture asks where it shall go; the keyboard stays with its neighbour', async () => {
  picture('0.png').click();
  assert.equal(document.activeElement, select());
  assert.equal(select().parent.querySelector('label').textContent, texts.moveTo('0.png'));
  assert.deepEqual(select().children.map((one) => one.textContent), ['cross']);
  assert.equal(picture('0.png').getAttribute('aria-expanded'), 'true');
  button(texts.move).click();
  assert.equal(select(), null);
  assert.equal(document.activeElement, picture('0.png'));
  await settled();
  assert.deepEqual(shown(), { ring: '1.png', cross: '0.png 2.png' });
  assert.equal(document.activeElement, picture('1.png'));
});

test('the form offers a new class, too, as soon as that has a name', async () => {
  picture('0.png').click();
  document.getElementById('new-class').value = 'star';
  document.getElementById('opened-new').dispatchEvent(new Event('input'));
  assert.deepEqual(select().children.map((one) => one.textContent), ['cross', 'star']);
  select().value = select().children[1].value;
  button(texts.move).click();
  await settled();
  assert.deepEqual(shown(), { ring: '1.png', cross: '2.png', star: '0.png' });
  assert.equal(document.getElementById('new-class').value, '');
});

test('with its last image a class goes, and comes back by undoing', async () => {
  choose(row('cross').querySelector('input'), [image('3.png')]);
  document.getElementById('new-class').value = 'star';
  drag(picture('2.png').parent)(document.getElementById('opened-new'), 'drop');
  await settled();
  picture('2.png').click();
  select().value = 'ring';
  button(texts.move).click();
  await settled();
  assert.deepEqual(Object.keys(shown()), ['ring', 'cross']);
  assert.equal(document.activeElement, button(texts.imagesOf(1, 'cross')), 'or to the last one');
  button(texts.undo).click();
  await settled();
  assert.equal(shown().star, '2.png');
});

test('what the service refuses is told, and nothing moves', async () => {
  const isMove = (path, init) => init?.method === 'POST';
  const allow = refuse(isMove, { title: 'Too few classes would remain', detail: 'for programs' }, 409);
  drag(picture('2.png').parent)(row('ring'), 'drop');
  await settled();
  assert.equal(text('opened-note'), texts.notMoved(texts.tooFewRemain));
  assert.deepEqual(shown(), { ring: '0.png 1.png', cross: '2.png' });
  assert.equal(text('opened-notice'), '');
  allow();
  drag(picture('0.png').parent)(row('cross'), 'drop');
  await settled();
  globalThis.fetch = async () => { throw new TypeError('offline'); };
  button(texts.undo).click();
  await settled();
  assert.equal(text('opened-note'), texts.notMoved(texts.offline));
  assert.ok(button(texts.undo), 'the service may be back later');
});

test('an image that was removed elsewhere is told to be gone', async () => {
  await fetch(`v1/tasks/${task.id}/examples/e0`, { method: 'DELETE' });
  drag(picture('0.png').parent)(row('cross'), 'drop');
  await settled();
  assert.equal(text('opened-note'), texts.imageGone('0.png'));
  assert.deepEqual(shown(), { ring: '1.png', cross: '2.png' });
  assert.equal(text('opened-notice'), '');
});

test('of two moves, the answer that comes last does not take back the other', async () => {
  const release = service.hold(`POST /v1/tasks/${task.id}/examples/e0`);
  drag(picture('0.png').parent)(row('cross'), 'drop');
  await settled();
  document.getElementById('new-class').value = 'star';
  drag(picture('2.png').parent)(document.getElementById('opened-new'), 'drop');
  await settled();
  release();
  await settled();
  assert.deepEqual(shown(), { ring: '1.png', cross: '0.png', star: '2.png' });
});

test('an open form goes with the classifier that is opened next', async () => {
  service.task('others');
  picture('0.png').click();
  button(texts.closeOpened).click();
  assert.equal(select(), null);
  toOpen('shapes').click();
  await settled();
  assert.equal(select(), null);
  assert.equal(picture('0.png').getAttribute('aria-expanded'), 'false');
});

test('the images most similar to one that was asked about are shown, as long as they are there', async () => {
  const { fetch } = globalThis;
  const nearest = [{ label: 'ring', similarity: 0.9, filename: '1.png', id: 'e1' }];
  globalThis.fetch = async (path, init) => {
    const answer = await fetch(path, init);
    if (!path.endsWith('/classify')) return answer;
    const { predictions } = await answer.json();
    return new Response(JSON.stringify({ predictions: predictions.map((one) => ({ ...one, nearest })) }));
  };
  choose('choose-queries', [image('new.png')]);
  await settled();
  const [similar] = document.getElementById('answers').querySelector('.nearest').querySelectorAll('img');
  assert.equal(similar.getAttribute('src'), `v1/tasks/${task.id}/examples/e1`);
  assert.equal(document.getElementById('answers').querySelector('.nearest-name').textContent, 'ring');
  similar.dispatchEvent(new Event('error'));
  assert.equal(document.getElementById('answers').querySelector('.no-picture').textContent, 'ring');
  assert.equal(document.getElementById('answers').querySelector('.nearest-name').textContent, '1.png');
});
