/** Images that look more like another class: marked where they lie, a hint that holds up nothing and says nothing when it fails. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { button, choose, openPage, spoken, toOpen } from './small_document.mjs';
import { image, instead, refusal, settled, SmallService, until } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');

let service;

beforeEach(() => { service = new SmallService(); });

const row = (id, index) => document.getElementById(id).children[index];
const picture = (name) => document.querySelectorAll('img').find((one) => one.getAttribute('alt') === name);
const marked = () => document.querySelectorAll('img').filter((one) => one.parent.classList.contains('is-doubtful')).map((one) => one.getAttribute('alt'));
const sentences = (id) => document.getElementById(id).children.map((one) => one.querySelector('.doubts').textContent);
const chosen = (id) => {
  const select = document.getElementById(id);
  return select.children.find((one) => one.getAttribute('value') === select.value).textContent;
};

/** Give the own classes, of which there are three, these images; wait until they are learned and doubted. */
async function teach(...names) {
  await openPage();
  button(texts.addClass).click();
  names.forEach((some, index) => choose(row('classes', index).querySelectorAll('input').find((one) => one.type === 'file'), some.map((one) => image(one))));
  await learned();
}

async function learned() {
  await settled(); // the images are copied first
  await until(() => document.getElementById('standing').dataset.state === 'ready');
  await settled();
}

async function openKept(doubtful) {
  const task = service.task('shapes', ['ring', 'ring', 'cross', 'star', 'star']);
  service.doubtful = doubtful;
  await openPage();
  await settled();
  toOpen('shapes').click();
  await settled();
  return task;
}

test('an own image that looks more like another class is marked, and pressing it offers that class', async () => {
  service.doubtful = [['b.png', 'Class 1', 'Class 3']];
  await teach(['a.png', 'b.png'], ['c.png'], ['d.png']);
  assert.deepEqual(marked(), ['b.png']);
  assert.deepEqual(sentences('classes'), [texts.doubts(1), '', '']);
  assert.equal(picture('b.png').getAttribute('aria-label'), texts.moveDoubtful('b.png', 'Class 3'));
  assert.equal(picture('b.png').getAttribute('title'), texts.moveDoubtful('b.png', 'Class 3'));
  assert.equal(picture('a.png').getAttribute('aria-label'), texts.moveImage('a.png'));
  picture('a.png').click();
  assert.equal(chosen('move-to'), 'Class 2');
  picture('b.png').click();
  assert.equal(chosen('move-to'), 'Class 3');
});

test('moved, it is marked no more; others stay marked until the classes are learned again, and are then renewed', async () => {
  service.doubtful = [['a.png', 'Class 1', 'Class 2'], ['b.png', 'Class 1', 'Class 3']];
  await teach(['a.png', 'b.png', 'e.png'], ['c.png'], ['d.png']);
  assert.deepEqual(sentences('classes'), [texts.doubts(2), '', '']);
  assert.equal(service.doubtsAsked.length, 1);
  service.doubtful = [['c.png', 'Class 2', 'Class 1']];
  picture('b.png').click();
  button(texts.move).click();
  assert.deepEqual(marked(), ['a.png']);
  assert.equal(picture('b.png').getAttribute('aria-label'), texts.moveImage('b.png'));
  await learned();
  assert.deepEqual(marked(), ['c.png']);
  assert.equal(service.doubtsAsked.length, 2);
});

test('none is marked for a class that has another name now, or is gone', async () => {
  service.doubtful = [['a.png', 'Class 1', 'Class 3']];
  await teach(['a.png', 'b.png'], ['c.png'], ['d.png']);
  const name = row('classes', 2).querySelector('.class-name');
  name.value = 'star';
  name.dispatchEvent(new Event('input'));
  assert.deepEqual(marked(), []);
  name.value = 'Class 3';
  name.dispatchEvent(new Event('input'));
  assert.deepEqual(marked(), ['a.png']);
  button(texts.removeClass('Class 3')).click();
  assert.deepEqual(marked(), []);
});

test('an answer about older classes is dropped', async () => {
  service.doubtful = [['a.png', 'Class 1', 'Class 2']];
  let release;
  instead((request) => request.endsWith('/left-out'), async () => {
    await new Promise((resume) => { release = resume; });
    return new Response(JSON.stringify({ items: [{ id: 'e', label: 'Class 1', filename: 'a.png', probability: 0, resembles: 'Class 3', doubtful: true }] }));
  });
  await openPage();
  button(texts.addClass).click();
  const files = (index) => row('classes', index).querySelectorAll('input').find((one) => one.type === 'file');
  ['a', 'c', 'd'].forEach((one, index) => choose(files(index), [image(`${one}.png`)]));
  await until(() => release);
  choose(files(1), [image('late.png')]);
  await settled();
  release();
  await settled();
  assert.deepEqual(marked(), []);
  await until(() => marked().length);
  assert.equal(picture('a.png').getAttribute('title'), texts.moveDoubtful('a.png', 'Class 2'));
});

test('answers come first, and are not held up', async () => {
  const task = service.task('shapes', ['ring', 'ring', 'cross']);
  const release = service.hold(`POST /v1/tasks/${task.id}/classify`);
  await openPage();
  choose('choose-queries', [image('new.png')]);
  await settled();
  const releaseDoubts = service.hold(`GET /v1/tasks/${task.id}/left-out`);
  toOpen('shapes').click();
  await settled();
  assert.ok(service.asked.includes(`POST /v1/tasks/${task.id}/classify`));
  assert.deepEqual(service.doubtsAsked, []);
  release();
  await settled();
  assert.deepEqual(service.doubtsAsked, [task.id]);
  choose('choose-queries', [image('newer.png')]);
  await settled();
  assert.deepEqual(document.querySelectorAll('.answer-row').map((one) => one.querySelector('.answer').dataset.state), ['answered', 'answered']);
  assert.deepEqual(service.doubtsAsked, [task.id], 'once');
  releaseDoubts();
});

test('where doubts cannot be had, nothing is said of it', async () => {
  instead((request) => request.endsWith('/left-out'), refusal(500, { title: 'Broken', detail: 'inside' }), false);
  service.doubtful = [['a.png', 'Class 1', 'Class 2']];
  await teach(['a.png', 'b.png'], ['c.png'], ['d.png']);
  assert.deepEqual(marked(), []);
  assert.equal(spoken(), '');
  assert.ok(!document.body.textContent.includes('Broken'));
});

test('in an opened classifier images are found by their ids, as names may be the same', async () => {
  const task = await openKept([]);
  task.examples[0].filename = '1.png';
  service.doubtful = [['1.png', 'ring', 'star']];
  instead((request) => request.endsWith('/left-out'), () => new Response(JSON.stringify({
    items: [{ id: 'e1', label: 'ring', filename: '1.png', probability: 0.01, resembles: 'star', doubtful: true }],
  })));
  button(texts.closeOpened).click();
  toOpen('shapes').click();
  await settled();
  assert.deepEqual(document.querySelectorAll('.is-doubtful').map((one) => one.querySelector('img').getAttribute('src')), [`v1/tasks/${task.id}/examples/e1`]);
  assert.deepEqual(sentences('opened-classes'), [texts.doubts(1), '', '']);
});

test('in an opened classifier the doubts follow a move and its undoing; they are its own', async () => {
  await openKept([['1.png', 'ring', 'star']]);
  await until(() => spoken() === texts.spokenDoubt('1.png', 'ring', 'star'));
  document.getElementById('spoken').textContent = '';
  picture('1.png').click();
  assert.equal(chosen('move-kept-to'), 'star');
  button(texts.move).click();
  await settled();
  assert.deepEqual(marked(), []);
  assert.deepEqual(sentences('opened-classes'), ['', '', '']);
  button(texts.undo).click();
  await settled();
  assert.deepEqual(marked(), ['1.png']);
  await until(() => spoken() === texts.spokenDoubt('1.png', 'ring', 'star'));
  button(texts.closeOpened).click();
  assert.deepEqual(marked(), []);
  document.getElementById('spoken').textContent = '';
  toOpen('shapes').click();
  await settled();
  assert.deepEqual(marked(), ['1.png'], 'asked for again');
  await until(() => spoken() === texts.spokenDoubt('1.png', 'ring', 'star'));
});

test('doubts are spoken once, by a single sentence', async () => {
  service.doubtful = [['a.png', 'Class 1', 'Class 2']];
  await teach(['a.png', 'b.png', 'e.png'], ['c.png'], ['d.png']);
  await until(() => spoken());
  assert.equal(spoken(), texts.spokenDoubt('a.png', 'Class 1', 'Class 2'));
  service.doubtful.push(['b.png', 'Class 1', 'Class 2'], ['e.png', 'Class 1', 'Class 2']);
  button(texts.removeImage('d.png', 'Class 3')).click();
  button(texts.undo).click();
  await until(() => spoken() === texts.spokenDoubts(2));
  document.getElementById('spoken').textContent = '';
  button(texts.removeImage('e.png', 'Class 1')).click();
  await learned();
  await until(() => service.doubtsAsked.length === 3);
  await new Promise((resume) => { setTimeout(resume, 500); });
  assert.equal(spoken(), '', 'each once');
});
