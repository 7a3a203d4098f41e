/** The list of kept classifiers, with a slow service and a hasty user. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { button, openPage, teach, toDelete, toOpen } from './small_document.mjs';
import { settled, SmallService, until } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');
const text = (id) => document.getElementById(id).textContent;
const names = () => document.getElementById('kept-list').querySelectorAll('.kept-name').map((one) => one.textContent);

async function open(prepare) {
  const service = new SmallService();
  prepare(service);
  await openPage();
  await settled();
  return service;
}

test('"Show more" pressed twice shows nothing twice', async () => {
  await open((service) => { for (let number = 45; number; number -= 1) service.task(`number ${number}`); });
  const more = button(texts.keptMore);
  more.click();
  more.click();
  await settled();
  assert.equal(names().length, 40);
  assert.equal(new Set(names()).size, 40);
  more.click();
  await settled();
  assert.equal(names().length, 45);
});

test('that they could not be listed is told, and one press lists them', async () => {
  const service = new SmallService();
  for (let number = 25; number; number -= 1) service.task(`number ${number}`);
  const { fetch } = globalThis;
  let isBusy = true;
  globalThis.fetch = async (path, init) => (isBusy && path.startsWith('v1/tasks?') ? new Response('{}', { status: 503 }) : fetch(path, init));
  await openPage();
  await settled();
  assert.equal(text('kept-note'), texts.keptMissed(texts.busy));
  assert.ok(!document.getElementById('kept').hidden, 'what could not be is said by the heading');
  isBusy = false;
  button(texts.tryAgain).click();
  await settled();
  assert.equal(names().length, 20);
  assert.equal(text('kept-note'), '');
  isBusy = true;
  button(texts.keptMore).click();
  await settled();
  assert.equal(names().length, 20);
  isBusy = false;
  button(texts.tryAgain).click();
  await settled();
  assert.equal(names().length, 25);
  assert.equal(button(texts.tryAgain), undefined);
});

test('of two that are opened one after the other the last one is, whichever answer comes first', async () => {
  const service = await open((made) => ['slow', 'fast'].forEach((name) => made.task(name)));
  const [slow] = service.tasks.keys();
  const release = service.hold(`GET /v1/tasks/${slow}`);
  toOpen('slow').click();
  toOpen('fast').click();
  await settled();
  release();
  await settled();
  assert.equal(text('opened-heading'), 'fast');
});

test('classifiers of one name are told apart by when they were made, also by a screen reader', async () => {
  await open((service) => ['letters', 'letters'].forEach((name) => service.task(name)));
  const rows = document.getElementById('kept-list').children;
  assert.match(rows[0].textContent, /2 Jan 2026, 03:04:02/);
  assert.match(rows[1].textContent, /2 Jan 2026, 03:04:01/);
  const labels = rows.flatMap((row) => row.querySelectorAll('button').map((one) => one.getAttribute('aria-label')));
  assert.equal(new Set(labels).size, 4);
  toDelete('letters').click();
  toOpen('letters').focus();
  assert.equal(toDelete('letters').ariaLabel, labels[1], 'also after it was not meant');
});

test('how good a kept one is is told as of one that was just made', async () => {
  await open((service) => {
    service.task('sure');
    service.estimate = { accuracy: 0.7, low: 0.4, high: 0.9 };
    service.task('unsure');
  });
  const [unsure, sure] = document.getElementById('kept-list').querySelectorAll('.kept-facts').map((one) => one.textContent);
  assert.ok(sure.endsWith('right about 8 times in 10'));
  assert.ok(unsure.endsWith('too few images to say how good it is'));
});

test('a name of blanks is asked for again', async () => {
  const service = await open(() => {});
  await teach();
  const name = document.getElementById('keep-name');
  name.value = '  ';
  const form = document.getElementById('go-on').querySelector('form');
  form.dispatchEvent(new Event('submit'));
  await settled();
  assert.equal(text('keep-note'), texts.nameKept);
  assert.equal(document.activeElement, name);
  name.value = ' mine ';
  form.dispatchEvent(new Event('submit'));
  await until(() => toOpen('mine'));
  assert.deepEqual([...service.tasks.values()].map((task) => task.name), ['mine']);
});

test('the own classes, kept and then deleted, are not called kept any more and can be kept again', async () => {
  const service = await open(() => {});
  await teach();
  document.getElementById('go-on').querySelector('form').dispatchEvent(new Event('submit'));
  await until(() => toDelete('Class 1, Class 2'));
  assert.match(text('go-on'), /Kept as/);
  toDelete('Class 1, Class 2').click();
  button(texts.deleteSure).click();
  await settled();
  assert.doesNotMatch(text('go-on'), /Kept as/);
  assert.ok(button(texts.keep));
  const [draft] = service.tasks.keys();
  assert.ok(text('programs-command').includes(`/v1/tasks/${draft}/`));
});

test('one that was deleted elsewhere is told so when it is opened, and leaves the list', async () => {
  const service = await open((made) => ['one', 'two'].forEach((name) => made.task(name)));
  const [one] = service.tasks.keys();
  service.tasks.delete(one);
  toOpen('one').click();
  await settled();
  assert.equal(text('kept-note'), texts.deletedBefore('one'));
  assert.deepEqual(names(), ['two']);
  assert.equal(document.activeElement, toOpen('two'));
});

test('a double click on "Delete", or its key held down, asks only', async () => {
  const service = await open((made) => made.task('shapes'));
  const press = (detail) => toDelete('shapes').dispatchEvent(Object.assign(new Event('click'), { detail }));
  press(1);
  press(2);
  await settled();
  assert.equal(service.tasks.size, 1);
  assert.equal(toDelete('shapes').textContent, texts.deleteSure);
  const held = Object.assign(new Event('keydown', { cancelable: true }), { key: 'Enter', repeat: true });
  toDelete('shapes').dispatchEvent(held);
  assert.ok(held.defaultPrevented, 'so that it is no click');
  press(1);
  await settled();
  assert.equal(service.tasks.size, 0);
});

test('a shortened name ends with its ellipsis alone', () => {
  for (const say of [texts.kept, texts.deleted]) assert.match(say('oak, ash…'), /[^.]…$/);
});

test('a classifier that is called after its classes tells them once, in whatever order', async () => {
  await open((service) => { service.task('ring, cross', ['cross', 'ring']); service.task('shapes', ['cross', 'ring']); });
  const labels = document.getElementById('kept-list').querySelectorAll('.kept-labels').map((one) => one.textContent);
  assert.deepEqual(labels, ['cross, ring', '']);
});

test('a press elsewhere forgets the first one, also in Safari, which gives a pressed button no focus to lose', async () => {
  await open((service) => service.task('shapes'));
  const button = toDelete('shapes');
  const press = (target) => document.dispatchEvent(Object.defineProperty(new Event('pointerdown'), 'target', { value: target }));
  button.dispatchEvent(new Event('click'));
  press(button);
  assert.equal(button.textContent, texts.deleteSure);
  press(document.getElementById('kept-heading'));
  assert.equal(button.textContent, texts.delete);
  button.click();
  assert.equal(button.textContent, texts.deleteSure, 'it asks again');
});
