/** What the notes under the parts of the page say while and after something is done, and in which colour. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { button, choose, openPage, SmallElement, toDelete } from './small_document.mjs';
import { drop, fileEntry, folderEntry } from './small_drop.mjs';
import { image, settled, SmallService, until } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');
const note = (id) => document.getElementById(id);
const isNews = (one) => one.classList.contains('is-news');
const row = () => note('classes').children[0];
const fileInput = () => row().querySelectorAll('input').find((one) => one.getAttribute('type') === 'file');

let service;

beforeEach(async () => {
  service = new SmallService();
  await openPage();
  await settled();
});

/** A photo that is read once the function given back is called; as often as it is chosen, a file of its own. */
function slowPhoto(name, content = 'x'.repeat(300_000)) {
  let release;
  const read = new Promise((done) => { release = done; });
  const photo = () => Object.assign(new File([image(name, content)], name, { type: 'image/png', lastModified: 1 }), {
    arrayBuffer: async () => { await read; return image(name, content).arrayBuffer(); },
  });
  return { photo, release };
}

test('photos on their way to a class are told, also while it is renamed, and not taken twice', async () => {
  const { photo, release } = slowPhoto('a.png');
  choose(fileInput(), [photo()]);
  const name = row().querySelector('.class-name');
  name.value = 'oak';
  name.dispatchEvent(new Event('input'));
  choose(fileInput(), [photo()]);
  await settled();
  assert.equal(row().querySelector('.note').textContent, texts.reading(1));
  assert.ok(isNews(row().querySelector('.note')));
  release();
  await settled();
  assert.equal(row().querySelector('.note').textContent, '');
  assert.equal(row().querySelector('.class-count').textContent, texts.imageCount(1));
  choose(fileInput(), [photo()]);
  await settled();
  assert.equal(row().querySelector('.class-count').textContent, texts.imageCount(2), 'later it is meant');
});

test('so are photos of folders, and those that are asked about', async () => {
  const { photo, release } = slowPhoto('a.png');
  for (let press = 0; press < 2; press += 1) {
    drop('own', folderEntry('oak', fileEntry(photo())));
    choose('choose-queries', [photo()]);
  }
  await settled();
  for (const id of ['folder-note', 'query-note']) assert.equal(note(id).textContent, texts.reading(1));
  release();
  await settled();
  for (const id of ['folder-note', 'query-note']) assert.equal(note(id).textContent, '');
  assert.ok(note('own-notice').textContent.startsWith(texts.addedToClasses(1, 1)));
  assert.equal(note('answers').children.length, 1);
});

test('so are hundreds of small images', async () => {
  const { photo, release } = slowPhoto('a.png', 'small');
  const others = Array.from({ length: 100 }, (_, index) => fileEntry(image(`${index}.png`)));
  drop('own', folderEntry('oak', fileEntry(photo()), ...others));
  await settled();
  assert.equal(note('folder-note').textContent, texts.reading(101));
  release();
  await settled();
  assert.equal(note('folder-note').textContent, '');
});

test('what was left out of folders is told as trouble, until more is given', async () => {
  const notes = () => fileEntry(new File([], 'notes.txt', { type: 'text/plain' }));
  drop('own', folderEntry('oak', fileEntry(image('1.png')), notes()));
  await settled();
  assert.ok(!isNews(note('folder-note')));
  button(texts.removeClass('oak')).click();
  assert.equal(note('folder-note').textContent, texts.refused(['notes.txt']));
  drop('own', folderEntry('oak', fileEntry(image('2.png'))));
  await settled();
  assert.equal(note('folder-note').textContent, '');
});

test('what to drop is told until images have come to a class', async () => {
  drop('own', fileEntry(image('1.png')), fileEntry(new File([], 'notes.txt', { type: 'text/plain' })));
  await settled();
  assert.equal(note('folder-note').textContent, `${texts.dropFolderHint} ${texts.refused(['notes.txt'])}`);
  drop(row(), fileEntry(image('1.png')));
  await settled();
  assert.equal(note('folder-note').textContent, texts.refused(['notes.txt']));
});

test('what was left out of folders is brought into view, and nothing where all were taken', async (context) => {
  const shown = context.mock.method(SmallElement.prototype, 'scrollIntoView');
  drop('own', folderEntry('oak', fileEntry(image('1.png'))));
  await settled();
  assert.equal(shown.mock.callCount(), 0);
  drop('own', fileEntry(image('1.png')));
  await settled();
  assert.deepEqual(shown.mock.calls.map((call) => call.this), [note('folder-note')]);
});

test('of many classes without images the first ones are named', () => {
  assert.equal(texts.needImages(['a', 'b', 'c']), 'a, b and c need an image each.');
  assert.equal(texts.needImages(['a', 'b', 'c', 'd', 'e']), 'a, b, c and 2 more need an image each.');
});

test('what was left out of a class is told until it is given more, whatever else changes or is wrong', async () => {
  const notes = new File([], 'notes.txt', { type: 'text/plain' });
  choose(fileInput(), [image('a.png', 'damaged'), notes]);
  choose(note('classes').children[1].querySelectorAll('input').find((one) => one.type === 'file'), [image('b.png')]);
  await until(() => row().querySelector('.note').textContent.includes('a.png is damaged'));
  assert.ok(row().querySelector('.note').textContent.endsWith(texts.refused(['notes.txt'])));
  button(texts.removeImage('a.png', 'Class 1')).click();
  const name = note('classes').children[1].querySelector('.class-name');
  name.value = 'oak';
  name.dispatchEvent(new Event('input'));
  assert.equal(row().querySelector('.note').textContent, texts.refused(['notes.txt']));
  choose(fileInput(), [image('c.png')]);
  await settled();
  assert.equal(row().querySelector('.note').textContent, '');
});

test('a deletion is news', async () => {
  service.task('shapes');
  await openPage();
  await settled();
  toDelete('shapes').click();
  button(texts.deleteSure).click();
  await settled();
  assert.equal(note('kept-note').textContent, texts.deleted('shapes'));
  assert.ok(isNews(note('kept-note')));
});
