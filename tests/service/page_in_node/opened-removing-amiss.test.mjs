/** What goes amiss while images of a kept classifier are removed, or put back: it is told, and nothing is lost. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { choose, spoken } from './small_document.mjs';
import { openShapes, remove, removeClass, row, shown, text, undo } from './small_opened.mjs';
import { cutOff, image, instead, refusal, settled } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');

let service;
let task;
let stored;

beforeEach(async () => {
  ({ service, task, stored } = await openShapes());
});

test('an image that cannot be fetched is not removed', async () => {
  const aProxysPage = () => new Response('<html>', { headers: { 'Content-Type': 'text/html' } });
  for (const [answer, told] of [[cutOff, texts.offline], [refusal(503), texts.busy], [aProxysPage, texts.badAnswer]]) {
    instead((one) => one.startsWith('GET') && one.endsWith('e0'), answer);
    remove('0.png', 'ring');
    await settled();
    assert.equal(text('opened-note'), told);
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

test('large images go back in several requests, as a slow line carries no more in time', async () => {
  document.getElementById('new-class').value = 'large';
  choose('choose-new-class', ['a', 'b', 'c', 'd'].map((name) => image(`${name}.png`, name.repeat(7 << 19))));
  await settled();
  const before = stored();
  removeClass('large');
  await settled();
  service.asked = [];
  undo();
  await settled();
  assert.equal(shown().large, 'a.png b.png c.png d.png');
  assert.equal(service.asked.filter((one) => one.startsWith('POST') && one.endsWith('/examples')).length, 2);
  assert.deepEqual(stored(), before);
});

test('of many images, no more are fetched once one could not be', async () => {
  document.getElementById('new-class').value = 'many';
  choose('choose-new-class', Array.from({ length: 20 }, (_, index) => image(`many-${index}.png`)));
  await settled();
  service.asked = [];
  instead((one) => one.startsWith('GET') && one.includes('/examples/'), cutOff, false);
  removeClass('many');
  await settled();
  assert.ok(service.asked.filter((one) => one.startsWith('GET') && one.includes('/examples/')).length < 12);
  assert.equal(text('opened-note'), texts.offline);
  assert.equal(stored().length, 23);
});
