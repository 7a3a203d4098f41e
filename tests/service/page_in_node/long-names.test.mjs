/** Long names, many of which differ only at their end, such as those of species and of cameras: told apart, in little room. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load, openDocument } from './small_document.mjs';

openDocument();
const { Answer } = await load('answer.js');
const { shortened, told } = await load('names.js');
const { texts } = await load('texts.js');

const SPRING = 'Phyllostachys aureosulcata forma spectabilis collected at the northern slope in early spring, ';
const [ADULT, YOUNG] = ['adult', 'juven'].map((age) => SPRING + age);
const FILE = `IMG_2024-05-01_${'herbarium-sheet-'.repeat(13)}`;

test('a short name stays, and a long one keeps its beginning and its end', () => {
  assert.equal(shortened('golden retriever', 16), 'golden retriever');
  assert.equal(shortened('golden retrievers', 16), 'golden r…rievers');
  assert.equal(shortened('Salix alba  and Salix nigra', 13), 'Salix…nigra', 'without spaces beside the ellipsis');
  assert.equal(shortened('🦊'.repeat(9), 5), '🦊🦊…🦊🦊', 'by characters, not by their halves');
  assert.equal(shortened(`aaaa${'e\u0301'.repeat(4)}`, 7), 'aaa…e\u0301', 'and no accent without its letter');
});

test('sentences about two hundred characters of name stay sentences', () => {
  const sentences = [
    texts.movedImage(`${FILE}1.jpg`, ADULT), texts.removedClass(ADULT, 2), texts.addedImages(2, ADULT), texts.removedImage(`${FILE}1.jpg`),
    texts.moveTo(`${FILE}1.jpg`), texts.closest(ADULT), texts.needSound(ADULT),
  ];
  for (const sentence of sentences) assert.ok(sentence.length < 140, sentence);
  assert.match(texts.movedImage(`${FILE}1.jpg`, ADULT), /^Moved IMG_2024.*sheet-1\.jpg to Phyllostachys.*adult\.$/);
  assert.notEqual(texts.movedImage(`${FILE}1.jpg`, ADULT), texts.movedImage(`${FILE}2.jpg`, ADULT));
  for (const left of ['refused', 'damaged', 'unread']) assert.ok(texts[left](['1', '2', '3'].map((end) => FILE + end)).length < 240);
  assert.ok(texts.needImages([ADULT, YOUNG, SPRING]).length < 160);
  const places = ['1', '2'].map((end) => texts.imageIn(FILE + end, ADULT));
  assert.ok(texts.sharedImages(1, places).length < 300);
});

test('a name that is read from the right does not turn the sentence around it', () => {
  assert.equal(told('שועל'), '\u2068שועל\u2069');
  assert.equal(told('שועל.jpg'), '\u2066שועל.jpg\u2069', 'but a file ends with its ending');
  assert.equal(told('fox'), 'fox');
});

test('an answer tells apart what differs only at the end, and has the whole names for those who hear or point at them', () => {
  const answer = new Answer(() => 'blob:1', () => {}, 4, () => [ADULT, YOUNG]);
  const nearest = [ADULT, YOUNG].map((label) => ({ label, similarity: 0.5, filename: '7.png' }));
  const prediction = { label: YOUNG, probabilities: { [ADULT]: 0.25, [YOUNG]: 0.75 }, unknown: false, nearest };
  answer.show({ state: 'answered', prediction, timing: '' });
  const all = (selector) => answer.element.querySelectorAll(selector);
  for (const [selector, most] of [['.winner', 48], ['.bar-label', 60], ['.nearest-name', 24]]) {
    for (const { textContent } of all(selector)) assert.ok(textContent.length <= most && /(adult|juven)$/.test(textContent), textContent);
  }
  assert.equal(answer.winner.title, YOUNG);
  for (const selector of ['.bar-label', '.nearest-name']) {
    assert.deepEqual(all(selector).map((one) => one.getAttribute('title')), [ADULT, YOUNG]);
  }
  assert.deepEqual(all('.bar').map((one) => one.getAttribute('aria-label')), [ADULT, YOUNG]);
});

test('labels stand above their bars as soon as one class, shown or not, has a long name', () => {
  const stands = (...labels) => {
    const answer = new Answer(() => null, () => {}, 3, () => labels);
    const probabilities = Object.fromEntries(labels.map((label, index) => [label, 2 ** -index]));
    answer.show({ state: 'answered', prediction: { label: 'a', probabilities, unknown: false }, timing: '' });
    return answer.list.classList.contains('has-long');
  };
  assert.ok(!stands('a', 'b', 'c', 'golden retriever'));
  assert.ok(stands('a', 'b', 'c', 'Early_Aramaic character12'));
});

test('files of a kept classifier, which have no pictures here, are told apart by the end of their names', () => {
  const answer = new Answer(() => null, () => {}, 4, () => []);
  const nearest = [1, 2].map((end) => ({ label: ADULT, similarity: 0.5, filename: `${'herbarium-'.repeat(5)}${end}.jpg` }));
  answer.show({ state: 'answered', prediction: { label: 'a', probabilities: { a: 1 }, unknown: false, nearest }, timing: '' });
  const captions = answer.element.querySelectorAll('.nearest-name').map((one) => one.textContent);
  assert.deepEqual(captions, ['herbarium-he…arium-1.jpg', 'herbarium-he…arium-2.jpg']);
});
