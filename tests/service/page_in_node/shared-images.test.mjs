/** An image that two classes were given is told: the estimate does not see it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { choose, load, openKept, openPage, teach } from './small_document.mjs';
import { image, settled, SmallService, until } from './small_service.mjs';

const { repeatedImages, sharedImages } = await load('shared-images.js');
const { texts } = await load('texts.js');
const standing = () => document.getElementById('standing');
const example = (sha256, label, filename) => ({ id: filename, sha256, label, filename });

test('only what lies in several classes is told', () => {
  const twice = [example('a', 'ring', '1.png'), example('a', 'ring', '2.png'), example('b', 'cross', '3.png')];
  assert.equal(sharedImages(twice), '');
  const shared = [...twice, example('a', 'cross', '4.png')];
  assert.equal(sharedImages(shared), texts.sharedImages(1, ['2.png in ring', '4.png in cross']));
  assert.equal(sharedImages([...shared, example('b', 'ring', '5.png')]), texts.sharedImages(2, ['2.png in ring', '4.png in cross']));
});

test('what a class holds more than once is told', () => {
  const once = [example('a', 'ring', '1.png'), example('a', 'cross', '2.png'), example('b', 'cross', '3.png')];
  assert.equal(repeatedImages(once), '');
  const twice = [...once, example('b', 'cross', '4.png')];
  assert.equal(repeatedImages(twice), texts.repeatedImages(1, ['3.png', '4.png'], 'cross'));
  assert.equal(repeatedImages([...twice, example('a', 'ring', '5.png')]), texts.repeatedImages(2, ['1.png', '5.png'], 'ring'));
});

test('the own classes are told so, and are learned all the same', async () => {
  new SmallService();
  await openPage();
  await teach();
  const [, input] = document.getElementById('classes').querySelectorAll('input').filter((one) => one.type === 'file');
  choose(input, [image('0.png')]);
  await until(() => standing().querySelector('.note'));
  assert.equal(standing().dataset.state, 'ready');
  assert.equal(standing().querySelector('.note').textContent, texts.sharedImages(1, ['0.png in Class 1', '0 (2).png in Class 2']));
});

test('so is a kept classifier that was given more', async () => {
  await openKept('shapes');
  const inputs = document.getElementById('opened-classes').querySelectorAll('input');
  for (const input of inputs) {
    choose(input, [image('more.png')]);
    await settled();
  }
  assert.match(standing().textContent, /more\.png in ring, more \(2\)\.png in cross/);
});
