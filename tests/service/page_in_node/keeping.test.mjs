/** Keeping the own classes, which takes a while: the form outlives what changes meanwhile, and says what came of it. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { choose, openPage, teach, toOpen } from './small_document.mjs';
import { image, settled, SmallService, until } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');
const one = (id) => document.getElementById(id);
const text = (id) => one(id).textContent;
const standing = () => one('standing').dataset.state;
const fileInput = () => one('classes').querySelectorAll('input').find((field) => field.type === 'file');
const submit = () => one('keep-form').dispatchEvent(new Event('submit', { cancelable: true }));

function type(name) {
  one('keep-name').focus();
  one('keep-name').value = name;
  one('keep-name').dispatchEvent(new Event('input'));
}

/** Give a class another image. */
async function change(name) {
  choose(fileInput(), [image(name)]);
  await settled();
}

let service;
/** Hold back the answer to the keeping of the draft, which is the last task made. */
const holdKeeping = () => service.hold(`POST /v1/tasks/${[...service.tasks.keys()].at(-1)}/keep`);

beforeEach(async () => {
  service = new SmallService();
  await openPage();
  await teach();
});

test('a name that was typed stays, with the keyboard, whatever changes', async () => {
  type('mine');
  await change('more.png');
  assert.ok(!one('go-on').hidden, 'also while the classes are learned');
  assert.equal(one('keep').getAttribute('aria-disabled'), 'true');
  assert.equal(document.activeElement.id, 'keep-name');
  submit();
  assert.equal(text('keep-note'), texts.keepLater);
  await until(() => standing() === 'ready');
  assert.equal(one('keep-name').value, 'mine');
  assert.equal(document.activeElement.id, 'keep-name');
  assert.equal(one('keep').getAttribute('aria-disabled'), 'false');
  assert.equal(text('keep-note'), '');
});

test('a name that nobody typed follows those of the classes', async () => {
  const name = one('classes').querySelector('.class-name');
  name.value = 'oak';
  name.dispatchEvent(new Event('input'));
  await until(() => standing() === 'ready');
  assert.equal(one('keep-name').value, 'oak, Class 2');
});

test('it names the classes in the order of the page', async () => {
  const { fetch } = globalThis;
  globalThis.fetch = async (path, init) => {
    const answer = await fetch(path, init);
    if (path !== 'v1/tasks') return answer;
    const task = await answer.json();
    return new Response(JSON.stringify({ ...task, classes: [...task.classes].reverse() }));
  };
  await change('more.png');
  await until(() => standing() === 'ready');
  assert.equal(one('keep-name').value, 'Class 1, Class 2');
});

test('it is told at once that it is being kept, and then that it is', async () => {
  const release = holdKeeping();
  type('mine');
  submit();
  assert.equal(text('keep-note'), texts.keeping);
  release();
  await settled();
  assert.equal(text('keep-note'), '');
  assert.equal(text('kept-as'), texts.kept('mine'));
  assert.equal(text('go-on-heading'), texts.goOnKept);
  assert.equal(document.activeElement.id, 'kept-as');
  assert.ok(toOpen('mine'));
});

test('what was kept is told, too, where the classes have changed meanwhile', async () => {
  const release = holdKeeping();
  type('mine');
  submit();
  await change('more.png');
  release();
  await settled();
  assert.equal(text('keep-note'), texts.keptBefore('mine'));
  await until(() => standing() === 'ready');
  assert.equal(text('keep-note'), texts.keptBefore('mine'));
  assert.ok(!one('keep-form').hidden);
  assert.equal(text('go-on-heading'), texts.goOnHeading);
  assert.equal(one('keep-name').value, 'Class 1, Class 2', 'that name is taken');
});

test('so it is where another classifier was opened meanwhile', async () => {
  service.task('shapes');
  await openPage();
  await teach();
  const release = holdKeeping();
  type('mine');
  submit();
  await settled();
  toOpen('shapes').click();
  await settled();
  release();
  await settled();
  assert.equal(text('kept-as'), texts.kept('shapes'));
  assert.equal(text('keep-note'), texts.kept('mine'));
});

test('what may have been kept, though the answer was lost, is not deleted', async () => {
  const id = [...service.tasks.keys()].at(-1);
  const { fetch } = globalThis;
  globalThis.fetch = async (path, init) => {
    await fetch(path, init);
    throw new TypeError('connection lost');
  };
  type('mine');
  submit();
  await settled();
  globalThis.fetch = fetch;
  await change('more.png');
  await until(() => standing() === 'ready');
  assert.equal(service.tasks.get(id)?.name, 'mine');
  assert.ok(!service.asked.includes(`DELETE /v1/tasks/${id}`));
});
