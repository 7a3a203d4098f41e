/** What is removed from a kept classifier can come back: its images are fetched first, and then given anew. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { button, choose, openPage, spoken, toOpen } from './small_document.mjs';
import { drag } from './small_drag.mjs';
import { list, openShapes, picture, row } from './small_opened.mjs';
import { image, settled } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');

const text = (id) => document.getElementById(id).textContent;
const shown = () => Object.fromEntries(list().children.map((one) => [
  one.querySelector('.opened-label').textContent, one.querySelectorAll('img').map((each) => each.getAttribute('alt')).join(' '),
]));
const stored = () => service.tasks.get(task.id).examples.map(({ filename, label, sha256 }) => [filename, label, sha256].join(' '));
const remove = (name, label) => button(texts.removeImage(name, label)).click();
const removeClass = (label) => button(texts.removeClass(label)).click();
const undo = () => button(texts.undo).click();

let service;
let task;

beforeEach(async () => {
  ({ service, task } = await openShapes());
});

/** Let the service do what it is asked, but let `answer` come instead of its answer to what `isMeant`, the first time. */
function instead(isMeant, answer, isDone = true) {
  const { fetch } = globalThis;
  globalThis.fetch = async (path, init = {}) => {
    if (!isMeant(`${init.method ?? 'GET'} ${path}`)) return fetch(path, init);
    globalThis.fetch = fetch;
    if (isDone) await fetch(path, init);
    return answer();
  };
}
const cutOff = () => { throw new TypeError('cut off'); };
const refusal = (status, body = {}) => () => new Response(JSON.stringify(body), { status });

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

test('an image that cannot be fetched is not removed', async () => {
  for (const answer of [cutOff, refusal(503)]) {
    instead((one) => one.startsWith('GET') && one.endsWith('e0'), answer);
    remove('0.png', 'ring');
    await settled();
    assert.equal(text('opened-note'), answer === cutOff ? texts.offline : texts.busy);
    assert.equal(stored().length, 3);
    assert.equal(text('opened-notice'), '');
  }
  assert.deepEqual(service.asked.filter((one) => one.startsWith('DELETE')), []);
});

test('a class of which one image cannot be fetched stays whole, and what was fetched is not fetched again', async () => {
  document.getElementById('new-class').value = 'star';
  choose('choose-new-class', [image('4.png')]);
  await settled();
  instead((one) => one.endsWith('e1'), cutOff, false);
  removeClass('ring');
  await settled();
  assert.equal(text('opened-note'), texts.offline);
  assert.equal(shown().ring, '0.png 1.png');
  removeClass('ring');
  await settled();
  assert.deepEqual(service.asked.filter((one) => /GET .*\/e[01]$/.test(one)).map((one) => one.slice(-2)), ['e0', 'e1']);
  assert.deepEqual(Object.keys(shown()), ['cross', 'star']);
});

test('a removal that the service did not do, and told nothing of, can be asked for again', async () => {
  for (const [answer, told] of [[cutOff, texts.offline], [refusal(404), texts.badAnswer], [refusal(504), texts.busy]]) {
    instead((one) => one.startsWith('DELETE'), answer, false);
    remove('0.png', 'ring');
    await settled();
    assert.equal(text('opened-note'), told);
    assert.deepEqual([stored().length, text('opened-notice')], [3, '']);
  }
  remove('0.png', 'ring');
  await settled();
  assert.ok(text('opened-notice').startsWith(texts.removedImage('0.png')));
  assert.equal(service.asked.filter((one) => one.startsWith('GET') && one.endsWith('/e0')).length, 1);
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

test('a removal whose answer is lost can be taken back once it shows that it was done', async () => {
  instead((one) => one.startsWith('DELETE'), cutOff);
  remove('0.png', 'ring');
  await settled();
  assert.equal(text('opened-note'), texts.offline);
  assert.equal(shown().ring, '0.png 1.png');
  remove('0.png', 'ring');
  await settled();
  assert.equal(shown().ring, '1.png');
  assert.ok(text('opened-notice').startsWith(texts.removedImage('0.png')));
  undo();
  await settled();
  assert.equal(shown().ring, '0.png 1.png');

  instead((one) => one.startsWith('DELETE'), refusal(504));
  remove('1.png', 'ring');
  await settled();
  choose(row('cross').querySelector('input'), [image('3.png')]);
  await settled();
  assert.equal(shown().ring, '0.png', 'which another change shows, too');
  undo();
  await settled();
  undo();
  await settled();
  assert.deepEqual(shown(), { ring: '0.png 1.png', cross: '2.png' });
});

test('what could not be put back is told, and can be later, each image once', async () => {
  remove('0.png', 'ring');
  await settled();
  instead((one) => one.startsWith('POST') && one.endsWith('/examples'), cutOff, false);
  undo();
  await settled();
  assert.equal(text('opened-note'), texts.notPutBack(1, texts.offline));
  assert.notEqual(spoken(), texts.undone);
  assert.ok(text('opened-notice').startsWith(texts.removedImage('0.png')));
  instead((one) => one.startsWith('POST') && one.endsWith('/examples'), cutOff);
  undo();
  await settled();
  assert.equal(stored().length, 3, 'it was, only the answer is missing');
  undo();
  await settled();
  assert.deepEqual(shown(), { ring: '0.png 1.png', cross: '2.png' });
  assert.equal(stored().length, 3);
  assert.deepEqual(['opened-note', 'opened-notice'].map(text), ['', '']);
});

test('of the images of a class, those come back that the service still takes', async () => {
  choose(row('ring').querySelector('input'), ['3.png', '4.png', '5.png'].map((name) => image(name)));
  document.getElementById('new-class').value = 'star';
  choose('choose-new-class', [image('star.png')]);
  await settled();
  removeClass('ring');
  await settled();
  const { fetch } = globalThis;
  globalThis.fetch = async (path, init) => {
    const given = init?.method === 'POST' ? JSON.parse(init.body).support : [];
    if (given.length > 3) return refusal(given.length > 4 ? 408 : 413, { title: 'Too many files' })();
    const bad = given.find((one) => one.filename === '3.png');
    return bad ? refusal(413, { title: 'Image too large', detail: '3.png is too large', file: '3.png' })() : fetch(path, init);
  };
  undo();
  await settled();
  assert.equal(shown().ring, '0.png 1.png 4.png 5.png');
  assert.equal(text('opened-note'), texts.notPutBack(1, '3.png is too large.'));
  globalThis.fetch = fetch;
  undo();
  await settled();
  assert.equal(shown().ring, '0.png 1.png 3.png 4.png 5.png');
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

test('a removal that is done after another classifier was opened is not offered there', async () => {
  service.task('others');
  await openPage();
  await settled();
  toOpen('shapes').click();
  await settled();
  const release = service.hold(`DELETE /v1/tasks/${task.id}/examples/e0`);
  remove('0.png', 'ring');
  await settled();
  toOpen('others').click();
  await settled();
  release();
  await settled();
  assert.equal(stored().length, 2);
  assert.deepEqual(['opened-heading', 'opened-note', 'opened-notice'].map(text), ['others', '', '']);
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
