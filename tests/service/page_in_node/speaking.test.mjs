/** What a screen reader is told. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { beforeEach, test } from 'node:test';

import { choose, openPage, pen, spoken, teach } from './small_document.mjs';
import { image, settled, SmallService, until } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');
const answered = (name) => texts.spokenAnswer(name, 'Class 1', 0.75);

beforeEach(async () => {
  new SmallService();
  await openPage();
  await teach();
});

async function ask(...files) {
  choose('choose-queries', files);
  await settled();
}

test('the answer of every new image, also beside one that failed', async () => {
  await ask(image('a.png'));
  assert.equal(spoken(), answered('a.png'));
  await ask(image('b.png', 'damaged'));
  assert.match(spoken(), /^b\.png: .*damaged/);
  await ask(image('c.png'));
  assert.equal(spoken(), answered('c.png'));
});

test('several answers as their number, and again for as many others', async () => {
  await ask(image('a.png'), image('b.png'), image('c.png', 'damaged'));
  assert.equal(spoken().trim(), `${texts.spokenMany(2)} ${texts.spokenFailed(1)}`);
  await ask(image('d.png'), image('e.png'));
  const first = spoken();
  assert.equal(first.trim(), texts.spokenMany(2));
  await ask(image('f.png'), image('g.png'));
  assert.equal(spoken().trim(), texts.spokenMany(2));
  assert.notEqual(spoken(), first, 'the same words are said again only if they are another text');
});

test('a new file beside a drawing', async () => {
  const [canvas] = document.getElementById('query-pad').querySelectorAll('canvas');
  pen(canvas, ['down', 10, 10], ['move', 200, 200], ['up', 200, 200]);
  await until(() => spoken() === answered(texts.yourDrawing));
  await ask(image('a.png'));
  assert.equal(spoken(), answered('a.png'));
});

test('no place for messages leaves what a screen reader watches', async () => {
  const watched = document.body.all.filter((one) => one.getAttribute('role') === 'status' || one.getAttribute('aria-live'));
  assert.ok(watched.length > 5);
  for (const one of watched) assert.ok(!one.lineage.some((place) => place.hidden && place.id !== 'opened'), one.id ?? one.getAttribute('class'));
  for (const name of ['base', 'page', 'classes', 'answers', 'print']) {
    const style = readFileSync(new URL(`../../../service/page/${name}.css`, import.meta.url), 'utf8');
    assert.doesNotMatch(style, /\.(note|notice|standing|spoken):empty *\{[^}]*display: *none/);
  }
});
