/** A kept classifier on the page: more examples for it, what it builds on, and how programs ask it. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { button, choose, openKept, pen, SmallElement, teach, toOpen } from './small_document.mjs';
import { image, settled, until } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');
const text = (id) => document.getElementById(id).textContent;
const input = (label) => document.getElementById('opened').querySelectorAll('input')
  .find((one) => one.getAttribute('aria-label') === texts.addImagesTo(label));
const counts = () => document.getElementById('opened-classes').querySelectorAll('.opened-count').map((one) => one.textContent);

let service;
let task;

beforeEach(async () => {
  ({ service, task } = await openKept('shapes'));
});

test('images can be added to a class, and taken back', async () => {
  choose('choose-queries', [image('a.png')]);
  await settled();
  service.asked = [];
  input('cross').focus();
  choose(input('cross'), [image('1.png'), image('2.png')]);
  await settled();
  assert.deepEqual(counts(), [texts.imageCount(1), texts.imageCount(3)]);
  assert.equal(document.activeElement, input('cross'));
  assert.deepEqual(service.tasks.get(task.id).examples.map((one) => one.filename), ['0.png', '1.png', '1 (2).png', '2.png']);
  const classify = `POST /v1/tasks/${task.id}/classify`;
  assert.ok(service.asked.includes(classify), 'what was asked is asked again');
  assert.ok(text('opened-notice').startsWith(texts.addedImages(2, 'cross')));

  button(texts.undo).click();
  await settled();
  assert.deepEqual(counts(), [texts.imageCount(1), texts.imageCount(1)]);
  assert.deepEqual(service.tasks.get(task.id).examples.map((one) => one.filename), ['0.png', '1.png']);
});

test('what a service that is off did not take back can be taken back later', async () => {
  choose(input('cross'), [image('1.png')]);
  await settled();
  const { fetch } = globalThis;
  globalThis.fetch = async () => { throw new TypeError('offline'); };
  button(texts.undo).click();
  await settled();
  assert.equal(text('opened-note'), texts.offline);
  globalThis.fetch = fetch;
  button(texts.undo).click();
  await settled();
  assert.deepEqual(counts(), [texts.imageCount(1), texts.imageCount(1)]);
  assert.deepEqual(['opened-note', 'opened-notice'].map(text), ['', '']);
});

test('another class can be added under a name of its own, and taken back', async () => {
  const name = document.getElementById('new-class');
  choose('choose-new-class', [image('new.png')]);
  await settled();
  assert.equal(text('opened-note'), texts.nameFirst);
  assert.equal(document.activeElement, name);
  assert.deepEqual(labels(), ['ring', 'cross']);

  name.value = ' star ';
  choose('choose-new-class', [image('new.png'), image('new.png')]);
  await settled();
  assert.deepEqual(labels(), ['ring', 'cross', 'star']);
  assert.deepEqual(counts(), [1, 1, 2].map((count) => texts.imageCount(count)));
  assert.equal(name.value, '', 'so that the next class is not taken for this one');
  assert.equal(text('opened-note'), '');
  assert.ok(text('opened-notice').startsWith(texts.addedImages(2, 'star')));

  button(texts.undo).click();
  await settled();
  assert.deepEqual(labels(), ['ring', 'cross']);
});

test('the name of a class that could not be added stays', async () => {
  const name = document.getElementById('new-class');
  name.value = 'star';
  choose('choose-new-class', [image('new.png', 'damaged')]);
  await settled();
  assert.match(text('opened-note'), /new\.png is damaged/);
  assert.equal(name.value, 'star');
  button(texts.closeOpened).click();
  toOpen('shapes').click();
  await settled();
  assert.equal(name.value, '');
});

test('a classifier kept from the own classes no longer answers for them once it has more examples', async () => {
  button(texts.closeOpened).click();
  await teach();
  document.getElementById('go-on').querySelector('form').dispatchEvent(new Event('submit'));
  await until(() => toOpen('Class 1, Class 2'));
  toOpen('Class 1, Class 2').click();
  await settled();
  const kept = text('programs-command');
  choose(input('Class 1'), [image('more.png')]);
  await settled();
  assert.equal(text('programs-command'), kept);
  button(texts.closeOpened).click();
  await settled();
  assert.equal(document.getElementById('standing').dataset.state, 'ready');
  assert.notEqual(text('programs-command'), kept);
});

test('the new estimate is shown', async () => {
  service.estimate = { accuracy: 0.97, low: 0.95, high: 0.99 };
  choose(input('ring'), [image('more.png')]);
  await settled();
  assert.ok(text('standing').endsWith(texts.estimate(0.97, 0.95, 0.99)));
});

test('a damaged image is named and nothing changes', async () => {
  choose(input('ring'), [image('more.png', 'damaged')]);
  await settled();
  assert.match(text('opened-note'), /more\.png is damaged/);
  assert.deepEqual(counts(), [texts.imageCount(1), texts.imageCount(1)]);
});

test('images that a service that is off did not take are not said to be still there', async () => {
  globalThis.fetch = async () => { throw new TypeError('offline'); };
  choose(input('ring'), [image('more.png')]);
  await settled();
  assert.equal(text('opened-note'), texts.notAdded(texts.offline));
  assert.doesNotMatch(text('opened-note'), /still here/);
});

test('images that arrive after the way back leave the own classes open', async () => {
  const release = service.hold(`POST /v1/tasks/${task.id}/examples`);
  choose(input('ring'), [image('more.png')]);
  await settled();
  button(texts.closeOpened).click();
  release();
  await settled();
  assert.ok(document.getElementById('opened').hidden);
  assert.equal(service.tasks.get(task.id).examples.length, 3);
});

test('what is offered to be taken back is what is in view', async () => {
  button(texts.closeOpened).click();
  button(texts.removeClass('Class 1')).click();
  const open = async (name) => { toOpen(name).click(); await settled(); };
  const undo = () => document.dispatchEvent(Object.assign(new Event('keydown', { cancelable: true }), { key: 'z', ctrlKey: true }));
  await open('shapes');
  assert.equal(button(texts.undo), undefined);
  choose(input('ring'), [image('more.png')]);
  await settled();
  assert.ok(button(texts.undo));
  button(texts.closeOpened).click();
  assert.ok(button(texts.undo).lineage.includes(document.getElementById('own')));
  undo();
  await settled();
  assert.ok(button(texts.removeClass('Class 1')));
  assert.equal(service.tasks.get(task.id).examples.length, 3);
  undo();
  assert.equal(service.tasks.get(task.id).examples.length, 3);

  await open('shapes');
  const release = service.hold(`POST /v1/tasks/${task.id}/examples`);
  choose(input('ring'), [image('late.png')]);
  await settled();
  button(texts.closeOpened).click();
  release();
  await settled();
  assert.equal(text('opened-notice'), '');
});

test('the licence of what it builds on is told', () => {
  assert.ok(text('go-on').endsWith(`${texts.learnedWith('photos')} For research only.`));
});

test('so is that of another one that is chosen for more images', async () => {
  choose('choose-queries', [image('a.png')]);
  await settled();
  [service.model, service.estimate] = ['signs', { accuracy: 0.9, low: 0.8, high: 0.95 }];
  choose(input('cross'), [image('1.png')]);
  await settled();
  assert.ok(text('go-on').endsWith(`${texts.learnedWith('signs')} For all.`));
  assert.ok(text('standing').includes(texts.estimate(0.9, 0.8, 0.95)));
  service.model = 'photos';
  button(texts.undo).click();
  await settled();
  assert.ok(text('go-on').endsWith(`${texts.learnedWith('photos')} For research only.`));
});

test('programs are shown the command for the classifier that answers, or for none', async () => {
  assert.equal(text('programs-hint'), texts.commandKept);
  assert.match(text('programs-command'), new RegExp(`^curl -F query=@\\S+ http://page.test/of/images/v1/tasks/${task.id}/classify`));
  button(texts.closeOpened).click();
  await settled();
  assert.equal(text('programs-hint'), texts.commandNone);
  assert.match(text('programs-command'), /^curl -F support=@leaf\.png -F labels=leaf .* -F query=@\S+ http:\/\/page\.test\/of\/images\/v1\/classify/);
});

const labels = () => document.getElementById('opened-classes').querySelectorAll('.opened-label').map((one) => one.textContent);
const sheet = (label) => document.getElementById('opened').querySelectorAll('canvas').find((one) => one.getAttribute('aria-label') === label);
const addDrawing = (canvas) => canvas.lineage.find((one) => one.getAttribute('class') === 'pad')
  .querySelectorAll('button').find((one) => one.textContent === texts.addDrawing);
const draw = (canvas) => pen(canvas, ['down', 10, 10], ['move', 50, 50], ['up', 50, 50]);

test('examples can be drawn, several on their way, and the sheet stays open', async () => {
  button(texts.drawFor('ring')).click();
  const canvas = sheet(texts.padFor('ring'));
  assert.equal(document.activeElement, canvas);
  const release = service.hold(`POST /v1/tasks/${task.id}/examples`);
  draw(canvas);
  addDrawing(canvas).click();
  await settled();
  draw(canvas);
  addDrawing(canvas).click();
  await settled();
  assert.ok(addDrawing(canvas).disabled, 'the sheet is blank again');
  release();
  await settled();
  assert.deepEqual(counts(), [3, 1].map((count) => texts.imageCount(count)));
  const names = service.tasks.get(task.id).examples.map((one) => one.filename);
  assert.equal(new Set(names).size, 4, 'each under a name of its own');
  assert.equal(sheet(texts.padFor('ring')), canvas);
  assert.equal(document.activeElement, canvas);
});

test('a drawing that could not be added comes back onto the sheet', async () => {
  button(texts.drawFor('ring')).click();
  const canvas = sheet(texts.padFor('ring'));
  draw(canvas);
  service.tasks.delete(task.id);
  addDrawing(canvas).click();
  await settled();
  assert.ok(!addDrawing(canvas).disabled);
  assert.equal(canvas.painted.filter(([name]) => name === 'stroke').length, 1);
  assert.notEqual(text('opened-note'), '');
});

test('another class can be drawn, and is gone on with', async () => {
  button(texts.drawNew).click();
  const canvas = sheet(texts.padNew);
  draw(canvas);
  addDrawing(canvas).click();
  await settled();
  assert.equal(text('opened-note'), texts.nameFirst);
  assert.equal(document.activeElement, document.getElementById('new-class'));
  assert.ok(!addDrawing(canvas).disabled, 'the drawing is still there');

  document.getElementById('new-class').value = 'star';
  addDrawing(canvas).click();
  await settled();
  assert.deepEqual(labels(), ['ring', 'cross', 'star']);
  assert.ok(!canvas.isFocusable, 'the sheet of another class is folded away');
  assert.equal(document.activeElement, sheet(texts.padFor('star')));
});

test('what was drawn for another class is gone once the classifier is closed', async () => {
  button(texts.drawNew).click();
  draw(sheet(texts.padNew));
  button(texts.closeOpened).click();
  toOpen('shapes').click();
  await settled();
  button(texts.drawNew).click();
  assert.ok(addDrawing(sheet(texts.padNew)).disabled);
});

test('an undone class takes its sheet with it', async () => {
  document.getElementById('new-class').value = 'star';
  choose('choose-new-class', [image('new.png')]);
  await settled();
  button(texts.undo).click();
  await settled();
  assert.deepEqual(labels(), ['ring', 'cross']);
  assert.equal(button(texts.drawFor('star')), undefined);
});

test('what failed in one of many rows is brought into view', async (context) => {
  const shown = context.mock.method(SmallElement.prototype, 'scrollIntoView');
  const { fetch } = globalThis;
  globalThis.fetch = async (path, init) => (init?.method === 'POST' ? new Response('{}', { status: 503 }) : fetch(path, init));
  choose(input('ring'), [image('1.png')]);
  await until(() => text('opened-note') === texts.notAdded(texts.busy));
  assert.deepEqual(shown.mock.calls.map((call) => call.this.id), ['opened-note']);
});

test('that images are being taken back is told, as each takes a while', async () => {
  choose(input('cross'), [image('1.png'), image('2.png')]);
  await until(() => text('opened-notice'));
  const [, , first] = service.tasks.get(task.id).examples;
  const release = service.hold(`DELETE /v1/tasks/${task.id}/examples/${first.id}`);
  button(texts.undo).click();
  await settled();
  assert.equal(text('opened-note'), texts.removing(2));
  release();
  await until(() => !text('opened-note'));
  assert.deepEqual(counts(), [1, 1].map((count) => texts.imageCount(count)));
});

test('that two classes must remain is told in words for people', async () => {
  const { fetch } = globalThis;
  const refusal = { title: 'Too few classes would remain', detail: 'this would leave fewer than two classes; add examples of another class first, or delete the task' };
  globalThis.fetch = async (path, init) => (init?.method === 'DELETE' ? new Response(JSON.stringify(refusal), { status: 409 }) : fetch(path, init));
  const [first] = task.examples;
  button(texts.removeImage(first.filename, 'ring')).click();
  await settled();
  assert.equal(text('opened-note'), texts.tooFewRemain);
});

test('a classifier that was deleted elsewhere is told to be gone', async () => {
  service.tasks.delete(task.id);
  choose(input('ring'), [image('more.png')]);
  await settled();
  assert.equal(text('opened-note'), texts.taskGone);
  assert.equal(text('standing'), texts.taskGone, 'it is not ready');
  assert.ok(document.getElementById('go-on').hidden, 'nor kept');
});

test('nor is it ready once it could not be asked, until one goes back or opens it anew', async () => {
  service.tasks.delete(task.id);
  choose('choose-queries', [image('a.png')]);
  await settled();
  assert.equal(text('standing'), texts.taskGone);
  assert.equal(document.getElementById('answers').querySelector('.winner').textContent, texts.taskGone);
  service.asked = [];
  choose('choose-queries', [image('b.png')]);
  await settled();
  assert.deepEqual(service.asked, [], 'it is not asked again');
  button(texts.closeOpened).click();
  await settled();
  assert.equal(text('standing'), texts.waiting(texts.needImages(['Class 1', 'Class 2'])));
  service.tasks.set(task.id, task);
  toOpen('shapes').click();
  await settled();
  assert.equal(document.getElementById('standing').dataset.state, 'ready');
});

test('undo of an image that was deleted elsewhere shows the classifier as it is', async () => {
  choose(input('ring'), [image('1.png'), image('2.png')]);
  await settled();
  const now = service.tasks.get(task.id);
  const [, , gone] = now.examples;
  await fetch(`v1/tasks/${task.id}/examples/${gone.id}`, { method: 'DELETE' });
  button(texts.undo).click();
  await settled();
  assert.equal(text('opened-note'), '');
  assert.deepEqual(counts(), [1, 1].map((count) => texts.imageCount(count)));
});

test('Enter after the name of a new class goes on to its images', () => {
  const name = document.getElementById('new-class');
  const enter = () => name.dispatchEvent(Object.assign(new Event('keydown'), { key: 'Enter' }));
  enter();
  assert.equal(text('opened-note'), texts.nameFirst);
  name.value = ' star ';
  enter();
  assert.equal(text('opened-note'), texts.imagesNext('star'));
  assert.equal(document.activeElement.id, 'choose-new-class');
});
