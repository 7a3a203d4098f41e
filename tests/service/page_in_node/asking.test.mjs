/** The answers on the page, of many images. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { choose, giveExamples, load, openPage, pen, teach } from './small_document.mjs';
import { image, settled, SmallService, until } from './small_service.mjs';

const { Answer } = await load('answer.js');
const { breakable } = await load('dom.js');
const { texts } = await load('texts.js');
const answers = () => document.getElementById('answers').querySelectorAll('.answer').map((one) => one.dataset.state);

test('a stroke builds none of the answers about files anew', async (context) => {
  new SmallService();
  await openPage();
  await teach();
  choose('choose-queries', ['a.png', 'b.png', 'c.png'].map((name) => image(name)));
  await settled();
  assert.deepEqual(answers(), ['answered', 'answered', 'answered']);
  const shown = context.mock.method(Answer.prototype, 'show');
  const [canvas] = document.getElementById('query-pad').querySelectorAll('canvas');
  pen(canvas, ['down', 10, 10], ['move', 200, 200], ['up', 200, 200]);
  const drawn = document.getElementById('drawing-answer').querySelector('.answer');
  await until(() => drawn.dataset.state === 'answered');
  await settled();
  assert.deepEqual([...new Set(shown.mock.calls.map((call) => call.this.element))], [drawn]);
});

test('what was answered before the classes had rested is not asked about again', async () => {
  const service = new SmallService();
  await openPage();
  giveExamples();
  await settled();
  choose('choose-queries', [image('a.png'), image('b.png')]);
  await until(() => answers().every((state) => state === 'answered'));
  await new Promise((resume) => { setTimeout(resume, 200); });
  await settled();
  assert.equal(service.asked.filter((request) => request.endsWith('/classify')).length, 1);
});

test('what changes of an answer is shown', async () => {
  const service = new SmallService();
  await openPage();
  await teach();
  const [task] = service.tasks.values();
  const release = service.hold(`POST /v1/tasks/${task.id}/classify`);
  choose('choose-queries', [image('a.png'), image('b.png', 'damaged')]);
  await settled();
  assert.deepEqual(answers(), ['asking', 'asking']);
  release();
  await settled();
  assert.deepEqual(answers(), ['answered', 'failed']);
});

test('an answer that is asked for again is told to be old', async () => {
  const service = new SmallService();
  await openPage();
  await teach();
  choose('choose-queries', ['a.png', 'b.png'].map((name) => image(name)));
  const [canvas] = document.getElementById('query-pad').querySelectorAll('canvas');
  const draw = () => pen(canvas, ['down', 10, 10], ['move', 200, 200], ['up', 200, 200]);
  const drawn = document.getElementById('drawing-answer').querySelector('.answer');
  draw();
  await until(() => drawn.dataset.state === 'answered');
  const timing = drawn.querySelector('.timing');
  assert.match(timing.textContent, /^Answered in/);
  const [task] = service.tasks.values();
  const release = service.hold(`POST /v1/tasks/${task.id}/classify`);
  draw();
  await until(() => drawn.dataset.state === 'asking');
  assert.equal(timing.textContent, texts.askingAgain);
  assert.equal(drawn.getAttribute('aria-busy'), 'true');
  assert.equal(drawn.querySelector('.winner').textContent, 'Class 1');
  release();
  await settled();
  assert.match(timing.textContent, /^Answered in/);
  assert.equal(drawn.getAttribute('aria-busy'), 'false');

  const told = document.getElementById('answers-timing');
  assert.match(told.textContent, /^2 images answered in/);
  const learned = service.hold('POST /v1/tasks');
  giveExamples();
  await until(() => answers().includes('asking'));
  assert.equal(told.textContent, texts.askingAgain);
  learned();
  await until(() => answers().every((state) => state === 'answered'));
  await settled();
  assert.match(told.textContent, /^2 images answered in/, 'the drawing stands elsewhere');
});

test('a similar image is told with its class, and where it is not on the page, with its name', () => {
  for (const [url, tile, name] of [['blob:1', '', 'oak'], [null, 'oak', '7.png']]) {
    const answer = new Answer(() => url, () => {}, 4, () => ['oak']);
    const nearest = [{ label: 'oak', similarity: -0.25, filename: '7.png' }];
    answer.show({ state: 'answered', prediction: { label: 'oak', probabilities: { oak: 1 }, unknown: false, nearest }, timing: '' });
    const figure = answer.element.querySelector('figure');
    assert.equal(figure.children[0].textContent, tile);
    assert.equal(figure.querySelector('figcaption').textContent, `${name} −0.25`);
  }
});

test('a picture that the browser cannot show leaves its place empty', async () => {
  new SmallService();
  await openPage();
  await teach();
  choose('choose-queries', [image('a.png', 'damaged')]);
  await settled();
  const [picture] = document.getElementById('answers').querySelectorAll('img');
  picture.dispatchEvent(new Event('error'));
  assert.equal(picture.style.visibility, 'hidden');
});

test('what "Fits none" is worth is told beside answers, once there are any', async () => {
  new SmallService();
  await openPage();
  const isTold = () => document.getElementById('answers-advice').isFocusable;
  choose('choose-queries', [image('a.png')]);
  await settled();
  assert.ok(!isTold(), 'it waits for classes');
  await teach();
  await until(isTold);
});

test('a file name breaks before its ending', () => {
  const parts = (name) => breakable(name).map((one) => one.tag ?? one);
  assert.deepEqual(parts('0394.01.png'), ['0394.01', 'wbr', '.png']);
  assert.deepEqual(parts('.png'), ['.png']);
  assert.deepEqual(parts('drawing'), ['drawing']);
});
