/** What becomes of chosen files: copied at once, named as they come back, and told where they are left out. */

import assert from 'node:assert/strict';
import { mkdtempSync, openAsBlob, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { button, choose, load, openPage, teach } from './small_document.mjs';
import { drop, fileEntry, folderEntry } from './small_drop.mjs';
import { image, settled, SIGNATURE, SmallService, until } from './small_service.mjs';

const { namedApart, sortOut } = await load('files.js');
const { byFolder } = await load('folders.js');
const { SupportSet } = await load('support.js');
const { texts } = await import('../../../service/page/texts.js');
const text = (id) => document.getElementById(id).textContent;

/** A file that is gone from the disk, or changed since it was chosen. */
const gone = (name) => Object.assign(image(name), { arrayBuffer: () => Promise.reject(new DOMException('gone', 'NotFoundError')) });

test('an image that is changed on the disk is asked about as it was when it was chosen', async (context) => {
  const service = new SmallService();
  await openPage();
  await teach();
  const folder = mkdtempSync(join(tmpdir(), 'chosen-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'a.png');
  writeFileSync(path, Buffer.concat([SIGNATURE, Buffer.from('as it was')]));
  choose('choose-queries', [new File([await openAsBlob(path)], 'a.png', { type: 'image/png' })]);
  const answer = () => document.getElementById('answers').querySelector('.answer')?.dataset.state;
  await until(() => answer() === 'answered');
  writeFileSync(path, 'another one, of another length');
  button(texts.removeClass('Class 1')).click();
  button(texts.undo).click();
  await until(() => service.asked.filter((one) => one.endsWith('/classify')).length === 2);
  await settled();
  assert.equal(answer(), 'answered');
});

test('a file that cannot be read is named, and stops no other', async () => {
  new SmallService();
  await openPage();
  await teach();
  choose('choose-queries', [gone('a.png'), image('b.png')]);
  await settled();
  assert.equal(text('query-note'), texts.unread(['a.png']));
  assert.equal(document.getElementById('answers').children.length, 1);
  const row = document.getElementById('classes').children[0];
  choose(row.querySelectorAll('input').find((input) => input.getAttribute('type') === 'file'), [gone('c.png'), image('d.png')]);
  await settled();
  assert.equal(row.querySelector('.note').textContent, texts.unread(['c.png']));
  assert.equal(row.querySelector('.class-count').textContent, texts.imageCount(2));
});

test('files that only are called images are left out at once, each with what to do about it', async () => {
  const service = new SmallService();
  await openPage();
  await teach();
  service.asked = [];
  const called = (name, ...content) => new File(content, name, { type: 'image/jpeg' });
  const heic = (name, brand) => called(name, new Uint8Array(4), `ftyp${brand}`, new Uint8Array(4), 'mif1');
  choose('choose-queries', [
    heic('1.jpg', 'heic'), heic('2.jpg', 'mif1'), called('3.jpg', '<!doctype html>'), called('4.jpg'), heic('5.jpg', 'qt  '),
    image('6.png'), called('7.jpg', new Uint8Array([0xff, 0xd8, 0xff, 0xe0])), called('8.jpg', 'RIFF____WEBPVP8 '), called('9.jpg', 'BM'),
  ]);
  await settled();
  assert.equal(text('query-note'), [texts.heic(['1.jpg', '2.jpg']), texts.disguised(['3.jpg', '5.jpg']), texts.empty(['4.jpg']), texts.heicAdvice].join(' '));
  assert.match(text('query-note'), /export .* JPEG.*Most Compatible/);
  assert.equal(document.getElementById('answers').children.length, 4);
});

test('images that the browser cannot open are all named at once, and are no examples', async () => {
  new SmallService();
  await openPage();
  const [row] = document.getElementById('classes').children;
  const input = row.querySelectorAll('input').find((one) => one.type === 'file');
  choose(input, [image('a.png', 'torn'), image('b.png'), image('c.png', 'torn')]);
  await settled();
  assert.equal(row.querySelector('.note').textContent, texts.damaged(['a.png', 'c.png']));
  assert.equal(row.querySelector('.class-count').textContent, texts.imageCount(1));
  drop('own', folderEntry('oak', fileEntry(image('1.png')), fileEntry(image('2.png', 'torn'))));
  await settled();
  assert.equal(text('folder-note'), texts.damaged(['2.png']));
});

test('names are sent as they come back', () => {
  const files = ['a"b.png', 'a\\b.png', 'a\tb.png', 'é ü.png', 'a_b.png'].map((name) => image(name));
  assert.deepEqual(namedApart(files, []).map((file) => file.name), ['a_b.png', 'a_b (2).png', 'a_b (3).png', 'é ü.png', 'a_b (4).png']);
});

test('of the longest paths the end is sent, told apart', () => {
  const path = `${'folder/'.repeat(50)}a.png`;
  const [one, other] = namedApart([image(path), image(path)], []).map((file) => file.name);
  assert.ok(one.length < 255 && other.length < 255 && one !== other);
  assert.ok(one.endsWith('/a.png') && other.endsWith('/a (2).png'));
});

test('hidden folders and the litter of archives are no classes, but for the chosen folder', () => {
  const found = ['.given/ring/1.png', '.given/.thumbnails/2.png', '.given/__MACOSX/ring/3.png', '.given/cross/4.png']
    .map((path) => ({ file: image(path.split('/').at(-1)), folders: path.split('/').slice(0, -1) }));
  assert.deepEqual([...byFolder(sortOut(found).images).classes.keys()], ['cross', 'ring']);
});

test('classes are named by their folders, and what lies beside these is left out', () => {
  const sorted = (...paths) => {
    const found = paths.map((path) => ({ file: image(path.split('/').at(-1)), folders: path.split('/').slice(0, -1) }));
    const { classes, leftOut } = byFolder(found);
    return [[...classes].map(([label, files]) => [label, files.length]), leftOut.map(({ name, why }) => `${name} is a ${why}`)];
  };
  const both = [['ring', 1], ['star', 2]];
  assert.deepEqual(sorted('a/star/1.png', 'a/ring/1.png', 'a/star/2.png'), [both, []]);
  assert.deepEqual(sorted('a/star/1.png', 'a/cover.png', 'a/ring/1.png', 'a/star/2.png'), [both, ['cover.png is a stray']]);
  assert.deepEqual(sorted('star/1.png', 'star/2.png', 'cover.png', 'ring/1.png'), [both, ['cover.png is a stray']]);
  assert.deepEqual(sorted('star/1.png', 'cover.png'), [[['star', 1]], ['cover.png is a stray']]);
  assert.deepEqual(sorted('a/star/1.png', 'a/star/2.png'), [[['star', 2]], []]);
  assert.deepEqual(sorted('star/1.png', 'star/more/2.png'), [[['star', 1], ['star/more', 1]], []]);
  assert.deepEqual(sorted('a/ring/1.png', 'a/star/1.png', 'a/star/more/2.png'), [[['ring', 1], ['star', 1], ['star/more', 1]], []]);
  assert.deepEqual(sorted('1.png', '2.png'), [[], []]);
});

test('an image that lies in no class\'s folder is named', async () => {
  new SmallService();
  await openPage();
  const ring = () => folderEntry('ring', fileEntry(image('1.png')));
  const star = () => folderEntry('star', fileEntry(image('1.png')));
  drop('own', folderEntry('shapes', ring(), fileEntry(image('cover.png')), star()));
  await settled();
  assert.equal(text('folder-note'), texts.stray(['cover.png']));
  drop('own', ring(), fileEntry(image('cover.png')), fileEntry(image('back.png')));
  await settled();
  assert.equal(text('folder-note'), texts.stray(['cover.png', 'back.png']));
  const names = document.getElementById('classes').querySelectorAll('.class-name').map((one) => one.value);
  assert.deepEqual(names, ['ring', 'star']);
});

test('a name copied from two cells of a spreadsheet is one', () => {
  const support = new SupportSet();
  assert.equal(support.addGroup('Quercus\trobur\u2028').label, 'Quercus robur');
});

test('labels that look the same are the same, however they are spelled', () => {
  const support = new SupportSet();
  const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301'];
  support.addGroup(composed);
  support.fill(new Map([[decomposed, [image('1.png')]]]));
  assert.deepEqual(support.groups.map((group) => [group.label, group.examples.length]), [[composed, 1]]);
  support.rename(support.addGroup('tea'), decomposed);
  assert.equal(support.obstacle()?.sentence, texts.needOther(composed));
});

test('a name that is too long is told as such, and renaming heals it', () => {
  const support = new SupportSet();
  const longest = '\u{1f33f}'.repeat(100);
  support.fill(new Map([[longest, [image('1.png')]], [`${longest}x`, [image('2.png')]]]));
  const [, group] = support.groups;
  assert.deepEqual(support.obstacle(), { sentence: texts.needShorter(`${longest}x`, 100), misnamed: group.id });
  support.rename(group, 'oak');
  assert.equal(support.obstacle(), null);
});

test('a name that no address keeps is told as such, and renaming heals it', () => {
  for (const label of ['.', '..', 'a/../b', ' ./a']) {
    const support = new SupportSet();
    support.fill(new Map([['a..b/.c', [image('1.png')]], [label, [image('2.png')]]]));
    const [, group] = support.groups;
    assert.deepEqual(support.obstacle(), { sentence: texts.needNoDots(label.trim()), misnamed: group.id });
    support.rename(group, 'oak');
    assert.equal(support.obstacle(), null);
  }
});

test('an image whose label the service refuses is not marked', async () => {
  const { Classifiers } = await load('classifiers.js');
  const support = new SupportSet();
  support.fill(new Map([['a', [image('1.png')]], ['b\u0007', [image('2.png')]]]));
  const classifiers = new Classifiers(support);
  const refusal = { title: 'Unusable label', detail: 'the label holds control characters', file: '2.png', field: 'labels' };
  globalThis.fetch = async () => new Response(JSON.stringify(refusal), { status: 422 });
  await assert.rejects(classifiers.current());
  assert.match(classifiers.problem.message, /control characters/);
  assert.equal(support.example('2.png').problem, null);
});

test('an example that cannot be loaded is told', async (context) => {
  new SmallService();
  const { fetch } = globalThis;
  let manifest = true;
  globalThis.fetch = async (path, init) => {
    if (!String(path).includes('examples')) return fetch(path, init);
    if (!manifest) throw new TypeError('offline');
    manifest = false;
    return new Response(JSON.stringify({ classes: [{ label: 'ring', support: ['1.png'], query: [] }] }));
  };
  const logged = context.mock.method(console, 'error', () => {});
  await openPage();
  await settled();
  button(texts.tryExample).click();
  await settled();
  assert.equal(text('folder-note'), texts.exampleFailed);
  assert.equal(logged.mock.callCount(), 1);
});

test('buttons and sheets of a class name it as it is called now', async () => {
  new SmallService();
  await openPage();
  await teach();
  button(texts.drawFor('Class 1')).click();
  const row = document.getElementById('classes').children[0];
  const name = row.querySelector('.class-name');
  name.value = 'ring';
  name.dispatchEvent(new Event('input'));
  assert.ok(button(texts.removeImage('0.png', 'ring')));
  assert.equal(row.querySelector('canvas').getAttribute('aria-label'), texts.padFor('ring'));
});

const closed = () => new DOMException('closed to the browser', 'NotReadableError');
const lockedFile = (name) => ({ isFile: true, name, file: (_done, failed) => failed(closed()) });
const lockedFolder = (name) => ({ name, createReader: () => ({ readEntries: (_done, failed) => failed(closed()) }) });

test('what a drop holds and the browser cannot open is named, and stops nothing else', async () => {
  new SmallService();
  await openPage();
  drop('own', folderEntry(
    'letters', folderEntry('alpha', fileEntry(image('1.png')), lockedFile('2.png')), lockedFolder('beta'), folderEntry('gamma', fileEntry(image('3.png'))),
  ));
  await settled();
  assert.equal(text('folder-note'), texts.unread(['2.png', 'beta']));
  drop('ask', lockedFolder('more'));
  await settled();
  assert.equal(text('query-note'), texts.unread(['more']));
});
