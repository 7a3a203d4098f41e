/** Of many answers one sees those of one class, those that fit none, or the least sure first. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { button, choose, giveExamples, openPage, teach } from './small_document.mjs';
import { image, settled, SmallService, until } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');

const list = () => document.getElementById('answers');
const shown = () => list().children.map((one) => one.querySelector('figcaption').textContent.replace('.png', '')).join(' ');
const place = () => document.getElementById('answers-choice');
const offers = () => document.getElementById('answers-of').children.map((one) => one.textContent);

/** What the service says of an image, by the first letter of its name and a number of percents: u1.png fits none, a7.png is 7 % Class 1. */
function prediction(name) {
  const share = Number(/\d+/.exec(name)[0]) / 100;
  const label = name.startsWith('b') ? 'Class 2' : 'Class 1';
  const other = label === 'Class 1' ? 'Class 2' : 'Class 1';
  return { filename: name, label, probability: share, probabilities: { [label]: share, [other]: 1 - share }, unknown: name.startsWith('u'), nearest: [] };
}

let answersOf = prediction;
let service;

beforeEach(async () => {
  answersOf = prediction;
  service = new SmallService();
  const { fetch } = globalThis;
  globalThis.fetch = async (path, init) => {
    const answer = await fetch(path, init);
    if (!path.endsWith('/classify') || !answer.ok) return answer;
    return new Response(JSON.stringify({ predictions: init.body.getAll('query').map(({ name }) => answersOf(name)) }));
  };
  await openPage();
  await teach();
});

/** Choose `value` in the field of that id. */
function pick(id, text) {
  const field = document.getElementById(id);
  field.value = field.children.find((one) => one.textContent === text).getAttribute('value');
  field.focus();
  field.dispatchEvent(new Event('change'));
}
const ask = async (...names) => { choose('choose-queries', names.map((name) => image(`${name}.png`))); await settled(); };

/** Change the classes, and wait until all are answered by them. */
async function answeredAnew() {
  const release = service.hold('POST /v1/tasks');
  giveExamples();
  await until(() => list().querySelector('.answer').dataset.state === 'asking');
  release();
  await until(() => list().querySelector('.answer').dataset.state === 'answered');
  await settled();
}

test('with a few answers there is nothing to choose', async () => {
  await ask('a90', 'b80', 'u70', 'a60');
  assert.ok(place().hidden);
  await ask('a50');
  assert.ok(!place().hidden);
});

test('before all of them are answered there is nothing to choose either', async () => {
  const [{ id }] = service.tasks.values();
  const release = service.hold(`POST /v1/tasks/${id}/classify`);
  await ask('a90', 'b80', 'u70', 'a60', 'a50');
  assert.ok(place().hidden);
  release();
  await settled();
  assert.ok(!place().hidden);
});

test('each class is offered with the number of its answers, and shows these alone', async () => {
  choose('choose-queries', [...['b90', 'a80', 'u70', 'b60'].map((name) => image(`${name}.png`)), image('c50.png', 'damaged')]);
  await settled();
  assert.deepEqual(offers(), [
    texts.allAnswers(5), texts.answersOf('Class 1', 1), texts.answersOf('Class 2', 2), texts.answersUnknown(1), texts.answersMissing(1),
  ]);
  for (const [text, names] of [[texts.answersOf('Class 2', 2), 'b90 b60'], [texts.answersUnknown(1), 'u70'], [texts.answersMissing(1), 'c50']]) {
    pick('answers-of', text);
    assert.equal(shown(), names);
  }
  button(texts.removeQuery('c50.png')).click();
  pick('answers-of', texts.answersOf('Class 1', 1));
  assert.ok(place().hidden, 'four are left');
  assert.equal(shown(), 'b90 a80 u70 b60');
});

test('the least sure come first where one wants that: those without an answer, then those that fit none', async () => {
  choose('choose-queries', [...['a90', 'u80', 'b70', 'a95'].map((name) => image(`${name}.png`)), image('c50.png', 'damaged')]);
  await settled();
  pick('answers-order', texts.leastSure);
  assert.equal(shown(), 'c50 u80 b70 a90 a95');
  pick('answers-order', texts.asGiven);
  assert.equal(shown(), 'a90 u80 b70 a95 c50');
});

test('once no answer of a class is left, all are shown', async () => {
  await ask('a90', 'a80', 'b70', 'a60', 'a50', 'a40');
  pick('answers-of', texts.answersOf('Class 2', 1));
  button(texts.removeQuery('b70.png')).click();
  assert.equal(shown(), 'a90 a80 a60 a50 a40');
});

test('the rest of many begins where the first of them ended, in the order that was chosen', async () => {
  await ask(...Array.from({ length: 22 }, (_, index) => `a${90 - index}`));
  pick('answers-order', texts.leastSure);
  button(texts.moreAnswers(2)).click();
  assert.equal(document.activeElement, button(texts.removeQuery('a89.png')));
});

test('whoever wants the rest when answered anew there is none goes on at the last one', async () => {
  await ask(...Array.from({ length: 22 }, (_, index) => `a${90 - index}`), 'b50');
  pick('answers-of', texts.answersOf('Class 1', 22));
  button(texts.removeQuery('a90.png')).focus();
  answersOf = (name) => ({ ...prediction(name), label: ['a90.png', 'a89.png'].includes(name) ? 'Class 1' : 'Class 2' });
  await answeredAnew();
  button(texts.moreAnswers(2)).click();
  assert.equal(shown(), 'a90 a89');
  assert.equal(document.activeElement, button(texts.removeQuery('a89.png')));
});

test('only as many as are chosen are told to be left', async () => {
  await ask(...Array.from({ length: 30 }, (_, index) => `a${index + 1}`), 'b1');
  pick('answers-of', texts.answersOf('Class 1', 30));
  assert.ok(button(texts.moreAnswers(10)));
  pick('answers-of', texts.answersOf('Class 2', 1));
  assert.ok(document.getElementById('answers-more').hidden);
});

test('new images are shown whatever was chosen, first while they are asked about, then in order', async () => {
  await ask('a90', 'a80', 'b70', 'a60', 'a50');
  pick('answers-of', texts.answersOf('Class 2', 1));
  pick('answers-order', texts.leastSure);
  assert.equal(shown(), 'b70');
  const [{ id }] = service.tasks.values();
  const release = service.hold(`POST /v1/tasks/${id}/classify`);
  await ask('a75');
  assert.equal(shown(), 'a75 a50 a60 b70 a80 a90');
  release();
  await settled();
  assert.equal(shown(), 'a50 a60 b70 a75 a80 a90');
});

test('while all are answered anew the list stays as it is, and follows once they are', async () => {
  await ask('a90', 'a80', 'b70', 'a60', 'a50');
  pick('answers-order', texts.leastSure);
  assert.equal(shown(), 'a50 a60 b70 a80 a90');
  answersOf = (name) => ({ ...prediction(name), probability: 1 - prediction(name).probability });
  const release = service.hold('POST /v1/tasks');
  giveExamples();
  await until(() => list().querySelector('.answer').dataset.state === 'asking');
  assert.equal(shown(), 'a50 a60 b70 a80 a90');
  release();
  await until(() => shown() === 'a90 a80 b70 a60 a50');
});

test('whoever is at an answer finds it in its place, also after all were answered anew', async () => {
  await ask('a90', 'a80', 'b70', 'a60', 'a50');
  pick('answers-order', texts.leastSure);
  const held = button(texts.removeQuery('a60.png'));
  held.focus();
  answersOf = (name) => ({ ...prediction(name), label: 'Class 2', probability: 1 - prediction(name).probability });
  await answeredAnew();
  assert.equal(shown(), 'a50 a60 b70 a80 a90');
  assert.equal(document.activeElement, held);
  held.click();
  assert.equal(document.activeElement, button(texts.removeQuery('b70.png')), 'the next one as they are shown');
  choose('choose-queries', [image('b55.png')]);
  await settled();
  document.getElementById('answers-of').focus();
  assert.deepEqual(offers(), [texts.allAnswers(5), texts.answersOf('Class 2', 5)]);
  assert.equal(shown(), 'a90 a80 b70 b55 a50');
});

test('what saves the answers saves all of them', async (context) => {
  let saved;
  context.mock.method(URL, 'createObjectURL', (file) => { saved = file; return 'blob:1'; });
  await ask('a90', 'a80', 'b70', 'a60', 'a50');
  pick('answers-of', texts.answersOf('Class 2', 1));
  button(texts.saveAnswers).click();
  assert.equal((await saved.text()).trim().split('\r\n').length, 6);
});
