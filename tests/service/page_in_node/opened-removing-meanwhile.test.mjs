/** What others, or the user, do while images of a kept classifier are removed. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { choose, toOpen } from './small_document.mjs';
import { drag } from './small_drag.mjs';
import { openKept, openShapes, picture, remove, removeClass, row, shown, text, undo } from './small_opened.mjs';
import { image, instead, refusal, settled } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');

let service;
let task;
let stored;

beforeEach(async () => {
  ({ service, task, stored } = await openShapes());
});

test('in two windows: what the other one changed meanwhile counts, and is lost to nobody', async () => {
  const other = (path, init) => fetch(`v1/tasks/${task.id}/${path}`, init);
  const form = (fields) => Object.entries(fields).reduce((made, [name, value]) => { made.append(name, value); return made; }, new FormData());
  await other('examples', { method: 'POST', body: form({ support: image('theirs.png'), labels: 'star' }) });
  await other('examples/e1', { method: 'POST', body: form({ label: 'cross' }) });
  removeClass('cross');
  await settled();
  assert.ok(text('opened-notice').startsWith(texts.removedClass('cross', 2)));
  assert.deepEqual(shown(), { ring: '0.png', star: 'theirs.png' });
  undo();
  await settled();
  assert.deepEqual(shown(), { ring: '0.png', star: 'theirs.png', cross: '1.png 2.png' });

  await other('examples', { method: 'POST', body: form({ support: image('late.png'), labels: 'cross' }) });
  removeClass('cross');
  await settled();
  undo();
  await settled();
  assert.equal(shown().cross, '1.png 2.png late.png');

  await other('examples/e0', { method: 'POST', body: form({ label: 'star' }) });
  remove('0.png', 'ring');
  await settled();
  undo();
  await settled();
  assert.ok(stored().includes('0.png star 0'), 'to where the other one had moved it');

  await other('examples', { method: 'POST', body: form({ support: image('more.png'), labels: 'star' }) });
  const { id } = service.tasks.get(task.id).examples.find((one) => one.filename === 'theirs.png');
  await other(`examples/${id}`, { method: 'DELETE' });
  remove('theirs.png', 'star');
  await settled();
  assert.equal(text('opened-note'), texts.imageGone('theirs.png'));
  assert.equal(text('opened-notice'), '');
  assert.ok(picture('more.png') && !picture('theirs.png'));
});

test('in two windows: that the other one left two classes only is shown beside what is told of it', async () => {
  document.getElementById('new-class').value = 'star';
  choose('choose-new-class', [image('4.png')]);
  await settled();
  await fetch(`v1/tasks/${task.id}/classes/star`, { method: 'DELETE' });
  removeClass('ring');
  await settled();
  assert.equal(text('opened-note'), texts.tooFewRemain);
  assert.deepEqual(shown(), { ring: '0.png 1.png', cross: '2.png' });
});

test('while images are put back, the page is not left without a question', async () => {
  const leave = () => {
    const event = new Event('beforeunload', { cancelable: true });
    window.dispatchEvent(event);
    return event.defaultPrevented;
  };
  remove('0.png', 'ring');
  await settled();
  assert.equal(leave(), false);
  const release = service.hold(`POST /v1/tasks/${task.id}/examples`);
  undo();
  await settled();
  assert.equal(leave(), true);
  release();
  await settled();
  assert.equal(leave(), false);
});

test('what the service refused to remove is not offered when somebody else removes it', async () => {
  instead((one) => one.startsWith('DELETE'), refusal(422, { title: 'No', detail: 'not now' }), false);
  remove('0.png', 'ring');
  await settled();
  assert.equal(text('opened-note'), 'No: not now.');
  await fetch(`v1/tasks/${task.id}/examples/e0`, { method: 'DELETE' });
  drag(picture('1.png').parent)(row('cross'), 'drop');
  await settled();
  assert.deepEqual(shown(), { cross: '1.png 2.png' });
  assert.ok(text('opened-notice').startsWith(texts.movedImage('1.png', 'cross')));
  undo();
  await settled();
  assert.equal(text('opened-notice'), '');
});

test('a removal outlasts a dozen that somebody else makes one right after the other', async () => {
  const { fetch } = globalThis;
  let others = 12;
  globalThis.fetch = async (path, init) => {
    // While it waits for its turn, and the version that it names is asked for, the other one's next is there already.
    if (init?.method === 'DELETE' && others > 0) {
      others -= 1;
      const current = service.tasks.get(task.id);
      service.tasks.set(task.id, { ...current, version: current.version + 1 });
    }
    return fetch(path, init);
  };
  remove('0.png', 'ring');
  await settled();
  assert.deepEqual([shown().ring, text('opened-note')], ['1.png', '']);
});

test('where others keep changing the classifier, that is told', async () => {
  const { fetch } = globalThis;
  globalThis.fetch = async (path, init) => (init?.method === 'DELETE' ? refusal(409, { title: 'Task changed', detail: 'for programs' })() : fetch(path, init));
  remove('0.png', 'ring');
  await settled();
  assert.equal(text('opened-note'), texts.keepsChanging);
  globalThis.fetch = fetch;
  remove('0.png', 'ring');
  await settled();
  assert.equal(shown().ring, '1.png');
});

test('of a classifier that is gone, that is told', async () => {
  service.tasks.delete(task.id);
  remove('0.png', 'ring');
  await settled();
  assert.equal(text('opened-note'), texts.taskGone);
  assert.equal(text('standing'), texts.taskGone);
});

/** Remove an image, and open another classifier before this request of the removal is answered. */
async function openOthersDuring(method) {
  await openKept('shapes');
  const release = service.hold(`${method} /v1/tasks/${task.id}/examples/e0`);
  remove('0.png', 'ring');
  await settled();
  toOpen('others').click();
  await settled();
  release();
  await settled();
}

test('a removal that is done after another classifier was opened is not offered there', async () => {
  service.task('others');
  await openOthersDuring('DELETE');
  assert.equal(stored().length, 2);
  assert.deepEqual(['opened-heading', 'opened-note', 'opened-notice'].map(text), ['others', '', '']);
});

test('nor one whose file was still on its way', async () => {
  const others = service.task('others');
  others.examples.forEach((one) => { one.id = `other-${one.id}`; });
  await openOthersDuring('GET');
  choose(row('ring').querySelector('input'), [image('more.png')]);
  await settled();
  assert.equal(stored().length, 2);
  undo();
  await settled();
  assert.equal(text('opened-notice'), '', 'only the addition was offered');
});
