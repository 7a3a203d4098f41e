/** The answers on the page, of many images. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { choose, load, openPage, pen, teach } from './small_document.mjs';
import { image, settled, SmallService, until } from './small_service.mjs';

const { Answer } = await load('answer.js');
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
