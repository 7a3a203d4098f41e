/** Answers and errors name images by file name, so each goes to the image that it is about. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './small_document.mjs';
import { image, SmallService } from './small_service.mjs';

const { Classifiers } = await load('classifiers.js');
const { Queries } = await load('queries.js');
const { SupportSet } = await load('support.js');

function taught() {
  const support = new SupportSet();
  support.add(support.addGroup('ring'), [image('1.png')]);
  support.add(support.addGroup('cross'), [image('2.png')]);
  return { support, queries: new Queries(new Classifiers(support)) };
}

test('examples of one name, of one drop or of two, are told apart', () => {
  const { support } = taught();
  const [ring] = support.groups;
  support.add(ring, [image('1.png', 'a'), image('1.png', 'b'), image('3.png')]);
  assert.deepEqual(ring.examples.map((one) => one.file.name), ['1.png', '1 (2).png', '1 (3).png', '3.png']);
  assert.ok(support.mark('1 (3).png', 'damaged'));
  assert.deepEqual(ring.examples.map((one) => one.problem), [null, null, 'damaged', null]);
});

test('of two pasted images the damaged one alone is blamed', async () => {
  new SmallService();
  const { queries } = taught();
  await queries.add([image('image.png', 'sound')]);
  await queries.add([image('image.png', 'damaged'), image('image.png', 'sound too')]);
  await queries.ask();
  assert.deepEqual(queries.files.map((one) => [one.file.name, one.state]), [
    ['image (2).png', 'failed'], ['image (3).png', 'answered'], ['image.png', 'answered'],
  ]);
});

test('a file called as the drawing is told from it, whichever came first', async () => {
  new SmallService();
  const { queries } = taught();
  await queries.add([image('drawing.png', 'damaged')]);
  await queries.draw(image('drawing.png', 'sound'));
  await queries.add([image('drawing.png', 'sound')]);
  await queries.ask();
  assert.equal(new Set(queries.all.map((one) => one.file.name)).size, 3);
  assert.equal(queries.drawing.state, 'answered');
  assert.deepEqual(queries.files.map((one) => one.state), ['answered', 'failed']);
});
