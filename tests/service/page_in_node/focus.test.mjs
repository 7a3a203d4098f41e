/** Where the keyboard is after what it acted on has gone: never at the top of the page. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { button, choose, giveExamples, openPage, teach, toDelete, toOpen } from './small_document.mjs';
import { image, settled, SmallService, until } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');
const shown = (id) => !document.getElementById(id).hidden;
const focused = () => document.activeElement;

async function open(prepare = () => {}) {
  const service = new SmallService();
  prepare(service);
  await openPage();
  await settled();
  return service;
}

test('after a deletion it is at the next classifier, and at the note when none is left', async () => {
  await open((service) => ['one', 'two', 'three'].forEach((name) => service.task(name)));
  for (const [name, next] of [['two', 'one'], ['one', 'three']]) {
    toDelete(name).click();
    button(texts.deleteSure).click();
    await settled();
    assert.equal(focused(), toOpen(next));
  }
  toDelete('three').click();
  button(texts.deleteSure).click();
  await settled();
  assert.equal(focused().id, 'kept-note');
  assert.equal(focused().textContent, texts.deleted('three'));
});

test('after the last "Show more" it is at the first that came', async () => {
  await open((service) => { for (let number = 25; number; number -= 1) service.task(`number ${number}`); });
  button(texts.keptMore).click();
  await settled();
  assert.equal(focused(), toOpen('number 21'));
  assert.equal(button(texts.keptMore), undefined);
});

test('all of a list deleted, the rest of it can still be shown', async () => {
  await open((service) => { for (let number = 21; number; number -= 1) service.task(`number ${number}`); });
  for (let number = 1; number <= 20; number += 1) {
    toDelete(`number ${number}`).click();
    button(texts.deleteSure).click();
    await settled();
  }
  assert.equal(focused(), button(texts.keptMore));
});

test('after "Keep it" it is at what says so', async () => {
  const service = await open();
  await teach();
  button(texts.keep).click();
  document.getElementById('go-on').querySelector('form').dispatchEvent(new Event('submit'));
  await until(() => shown('kept'));
  assert.match(focused().textContent, /^Kept as/);
  assert.deepEqual([...service.tasks.values()].map((task) => task.name), ['Class 1, Class 2']);
});

test('after "Back to your own classes" it is at their heading', async () => {
  await open((service) => service.task('kept'));
  toOpen('kept').click();
  await settled();
  assert.equal(focused().id, 'opened-heading');
  button(texts.closeOpened).click();
  await settled();
  assert.equal(focused().id, 'own-heading');
});

test('after "Try again" it is at how things stand', async () => {
  await open();
  const { fetch } = globalThis;
  globalThis.fetch = async () => { throw new TypeError('offline'); };
  giveExamples();
  await until(() => document.getElementById('standing').dataset.state === 'problem');
  globalThis.fetch = fetch;
  button(texts.tryAgain).click();
  await until(() => document.getElementById('standing').dataset.state === 'ready');
  assert.equal(focused().id, 'standing');
});

test('after "Undo" it is where it was before', async () => {
  await open();
  await teach();
  button(texts.removeClass('Class 1')).click();
  const neighbour = button(texts.removeClass('Class 2'));
  assert.equal(focused(), neighbour);
  button(texts.undo).click();
  assert.equal(focused(), neighbour);
  button(texts.removeClass('Class 1')).click();
  button(texts.closeNotice).click();
  assert.equal(focused(), neighbour);
});

test('after the removal of a class or an answer it is at the neighbour, and after the last one at what makes others', async () => {
  await open();
  await teach();
  choose('choose-queries', ['a.png', 'b.png', 'c.png'].map((name) => image(name)));
  await settled();
  for (const [name, next] of [['b.png', 'c.png'], ['c.png', 'a.png']]) {
    button(texts.removeQuery(name)).click();
    assert.equal(focused(), button(texts.removeQuery(next)));
  }
  button(texts.removeQuery('a.png')).click();
  assert.equal(focused().id, 'choose-queries');
  button(texts.removeClass('Class 2')).click();
  assert.equal(focused(), button(texts.removeClass('Class 1')));
  button(texts.removeClass('Class 1')).click();
  assert.equal(focused().id, 'add-class');
});

test('Enter leaves the name of a class, but not while a character is composed', async () => {
  new SmallService();
  await openPage();
  const name = document.getElementById('classes').querySelector('.class-name');
  const enter = (isComposing) => name.dispatchEvent(Object.assign(new Event('keydown'), { key: 'Enter', isComposing }));
  name.focus();
  enter(true);
  assert.equal(document.activeElement, name);
  enter(false);
  assert.notEqual(document.activeElement, name);
});
