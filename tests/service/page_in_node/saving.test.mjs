/** Answers that a user takes along. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { button, choose, load, openPage, SmallElement, teach } from './small_document.mjs';
import { drop, fileEntry, folderEntry } from './small_drop.mjs';
import { image, settled, SmallService } from './small_service.mjs';

const HEAD = 'filename,label,probability,unknown,nearest_label,nearest_similarity,error';
const { answersCsv } = await load('answers-csv.js');
const { noteOf } = await load('files.js');
const { texts } = await import('../../../service/page/texts.js');

test('"Save as CSV" comes with the first answer and gives a row for every file', async (context) => {
  new SmallService();
  await openPage();
  await teach();
  assert.equal(button(texts.saveAnswers), undefined);

  choose('choose-queries', [image('a.png'), image('b.png', 'damaged')]);
  await settled();
  const made = context.mock.method(URL, 'createObjectURL');
  const pressed = context.mock.method(SmallElement.prototype, 'click');
  button(texts.saveAnswers).click();
  assert.ok(pressed.mock.calls.some((call) => call.this.getAttribute('download') === 'answers.csv'));
  const rows = (await made.mock.calls[0].arguments[0].text()).trim().split('\r\n');
  assert.equal(rows[0].split(',').at(-1), 'probability of Class 2');
  assert.match(rows[1], /^a\.png,Class 1,0\.75,False,.*,0\.75,0\.25$/);
  assert.match(rows[2], /^b\.png,,,,,,b\.png is damaged,,$/);
});

test('images of several folders are asked about, shown and saved with these', async (context) => {
  new SmallService();
  await openPage();
  await teach();
  drop('ask', ...['day1', 'day2'].map((day) => folderEntry(day, fileEntry(image('0.png')), fileEntry(image('1.png', 'damaged')))));
  await settled();
  const names = ['day1/0.png', 'day1/1.png', 'day2/0.png', 'day2/1.png'];
  assert.deepEqual(document.querySelectorAll('figcaption').map((one) => one.textContent), names);
  const made = context.mock.method(URL, 'createObjectURL');
  button(texts.saveAnswers).click();
  const rows = (await made.mock.calls[0].arguments[0].text()).trim().split('\r\n').slice(1);
  assert.deepEqual(rows.map((row) => row.split(',')[0]), names);
  assert.match(rows[3], /day2\/1\.png is damaged/);
});

test('what is refused is told with what to do about it, once', () => {
  const note = (...names) => noteOf([], names.map((name) => ({ name, why: 'refused' })));
  assert.match(note('IMG_1.HEIC'), /IMG_1\.HEIC.*export.*JPEG.*Settings > Camera > Formats > Most Compatible/);
  assert.doesNotMatch(note('notes.txt'), /HEIC|zip/);
  assert.match(note('all.zip'), /Unzip/);
  const both = noteOf([], [{ name: 'IMG_1.HEIC', why: 'refused' }, { name: 'fake.jpg', why: 'heic' }]);
  assert.equal(both.split(texts.heicAdvice).length, 2);
});

test('no file name or label becomes a formula, whatever separates the columns', () => {
  const prediction = (label) => ({ label, probability: 1, unknown: false, probabilities: { [label]: 1 }, nearest: [] });
  const written = (text) => {
    const answered = { file: { name: text }, state: 'answered', prediction: prediction(text) };
    return answersCsv([answered]).replace('\ufeff', '');
  };
  assert.equal(written('a;=1'), `${HEAD},probability of a;'=1\r\na;'=1,a;'=1,1,False,,,,1\r\n`);
  assert.ok(written('a\t@b;-c').includes(`\na\t'@b;'-c,`));
  assert.ok(written('a;"=1').includes(`\n"a;'""=1",`));
  assert.ok(written('=1').includes(`\n'=1,`));
  assert.ok(written('a; b-c').includes('\na; b-c,'));
});
