/** The column of queries: the sheet with its live answer, and chosen or dropped images with theirs. */

import { Answer } from './answer.js';
import { answersCsv, isSettled } from './answers-csv.js';
import { ChosenAnswers } from './chosen-answers.js';
import { copyAll } from './copies.js';
import { breakable, buttonById, byId, cross, debounced, element, inputById, saveFile, say, singly, tell } from './dom.js';
import { offerDrags, QUERY } from './dragged.js';
import { DrawingPad } from './drawing.js';
import { fromInput, noteOf, pathOf, sortOut } from './files.js';
import { keepOnly, putAt } from './in-order.js';
import { acceptDrops } from './intake.js';
import { MoveForm } from './move-form.js';
import { shortened } from './names.js';
import { Reading } from './reading.js';
import { SpokenAnswers } from './spoken-answers.js';
import { texts } from './texts.js';

/** @typedef {import('./files.js').Found} Found */
/** @typedef {import('./queries.js').Query} Query */
/** @typedef {{ id: number | string, label: string }} Class */

const AFTER_LAST_STROKE = 300; // milliseconds
const MOST_ROWS = 20; // of answers, until the user asks for the rest
const MOST_BARS = 8;
const MOST_BARS_OF_A_ROW = 5; // fewer, as it is one row among many
const MOST_OF_A_NAME = 28; // characters below its picture

export class AskColumn {
  /** @type {Map<Query, { row: HTMLElement, remove: HTMLElement, answer: Answer, shown: Query | null }>} each query as it was last shown */
  #rows = new Map();
  #list = byId('answers');
  #more = buttonById('answers-more');
  #showsAll = false;
  /** @type {Query[]} in the order of their rows */
  #listed = [];
  #note = byId('query-note');
  #reading = new Reading((sentence) => tell(this.#note, sentence));

  /**
   * @param {import('./queries.js').Queries} queries
   * @param {(neighbour: import('./api.js').Neighbour) => string | null} thumbnailOf
   * @param {() => Class[]} classes in the order of the page
   * @param {(query: Query, to: Class) => Promise<boolean>} use makes an example of it; gives whether that was done
   */
  constructor(queries, thumbnailOf, classes, use) {
    this.queries = queries;
    this.thumbnailOf = thumbnailOf;
    this.classes = classes;
    this.use = use;
    this.labels = () => classes().map((one) => one.label);
    const all = () => [{ id: 'asked', label: '', examples: queries.all }, ...classes().map((one) => ({ ...one, examples: [] }))];
    this.useForm = new MoveForm('use-for', all, (query, to) => this.#use(query, to), { to: texts.useFor, act: texts.add });
    this.drawingAnswer = this.#answer(MOST_BARS, texts.drawingName);
    byId('drawing-answer').append(this.drawingAnswer.element);
    const stillness = debounced(AFTER_LAST_STROKE, () => this.#askDrawing());
    this.pad = new DrawingPad(texts.padQuery, { onBegin: stillness.cancel, onChange: stillness.call });
    byId('query-pad').append(this.pad.element);
    const input = inputById('choose-queries');
    input.addEventListener('change', () => {
      this.take(fromInput(input.files));
      input.value = '';
    });
    this.chosen = new ChosenAnswers(this.labels, () => this.#sync());
    buttonById('save-answers').addEventListener('click', () => this.#save());
    this.#more.addEventListener('click', () => this.#showAll());
    acceptDrops(byId('ask'), (found) => {
      const isHere = found.some(({ file }) => queries.files.some((query) => query.file === file));
      if (!isHere) this.take(found); // an answer's own picture, let go beside it, is no question
    });
    queries.addEventListener('change', () => this.#sync());
    new SpokenAnswers(queries);
    this.#sync();
  }

  /** @param {Found[]} found */
  async take(found) {
    const { images, leftOut } = sortOut(found);
    const paths = new Map(images.map((one) => [one.file, pathOf(one)]));
    const copied = await this.#reading.read(images, () => copyAll([...paths.keys()], (file) => paths.get(file) ?? file.name));
    if (!copied) return;
    tell(this.#note, '', noteOf(images, [...leftOut, ...copied.leftOut]));
    if (!copied.files.length) return;
    this.chosen.showAll();
    const asked = this.queries.add(copied.files);
    this.#rowOf(this.queries.files[0]).row.scrollIntoView({ block: 'nearest' }); // or one may see nothing happen
    await asked;
  }

  async #askDrawing() {
    await this.queries.draw(this.pad.isBlank ? null : await this.pad.toFile(texts.drawingName));
  }

  #save() {
    const settled = this.queries.files.filter(isSettled);
    if (settled.length) saveFile(new File([answersCsv(settled)], texts.answersFile, { type: 'text/csv' }));
  }

  /** Let what is open for an image follow the classes. */
  classesChanged() {
    this.useForm.sync();
  }

  /** @param {Query} query */
  #askWhich(query) {
    const answer = this.#answerTo(query);
    const likeliest = this.classes().find((one) => one.label === query.prediction?.label)?.id;
    if (answer) this.useForm.press(query, query.file.name, answer.use, (form) => answer.element.append(form), likeliest);
  }

  /** @param {Query} query @param {Class} to */
  async #use(query, to) {
    this.useForm.cancel(); // the keyboard goes on from the button
    if (!await this.use(query, to)) return;
    const answer = this.#answerTo(query);
    if (answer) answer.used.textContent = texts.usedFor(to.label);
    say(texts.spokenUsed(query.file.name, to.label));
  }

  /** @param {Query} query @returns {Answer | undefined} as it is shown */
  #answerTo(query) {
    return query === this.queries.drawing ? this.drawingAnswer : this.#rows.get(query)?.answer;
  }

  #showAll() {
    this.#showsAll = true;
    this.#sync();
    // The button is gone; and where the list has followed newer answers, the rest may be, too.
    const next = this.#listed[MOST_ROWS] ?? this.#listed.at(-1);
    if (next) this.#rowOf(next).remove.focus();
  }

  #sync() {
    const { drawing, files } = this.queries;
    byId('answers-tools').hidden = !files.length;
    const answered = files.filter((query) => query.prediction || isSettled(query));
    buttonById('save-answers').hidden = !answered.length; // but not while all are asked about again: it may have the focus
    const timing = this.queries.progress || (answered.some((query) => query.state === 'asking') ? texts.askingAgain : this.queries.timing);
    byId('answers-timing').textContent = files.length > 1 && answered.length ? timing : ''; // one alone tells it itself
    byId('answers-advice').hidden = !answered.length;
    this.drawingAnswer.show(drawing);
    const chosen = this.chosen.of(files, this.#list.contains(document.activeElement));
    const listed = this.#showsAll ? chosen : chosen.slice(0, MOST_ROWS);
    this.#listed = listed;
    this.#more.hidden = listed.length === chosen.length;
    this.#more.textContent = texts.moreAnswers(chosen.length - listed.length);
    keepOnly(this.#rows, new Set(listed), ({ row }) => row);
    listed.forEach((query, index) => {
      const known = this.#rowOf(query);
      // Of hundreds, few have changed: rebuilding all would freeze the page for a while.
      if (!isUnchanged(query, known.shown)) known.answer.show(query);
      known.shown = { ...query };
      putAt(this.#list, index, known.row);
    });
    this.useForm.sync();
  }

  /** @param {Query} query */
  #remove(query) {
    const beside = this.#listed[this.#listed.indexOf(query) + 1] ?? this.#listed.at(-2);
    this.queries.remove(query);
    (beside ? this.#rowOf(beside).remove : inputById('choose-queries')).focus();
  }

  /** @param {number} mostBars @param {string} name of the image */
  #answer(mostBars, name) {
    const made = new Answer(this.thumbnailOf, () => this.queries.askAgain(), mostBars, this.labels, (query) => this.#askWhich(query));
    made.use.setAttribute('aria-label', texts.useAsExampleFor(name));
    return made;
  }

  /** @param {Query} query */
  #rowOf(query) {
    const known = this.#rows.get(query);
    if (known) return known;
    const { name } = query.file;
    const answer = this.#answer(MOST_BARS_OF_A_ROW, name);
    const remove = element('button', {
      type: 'button', class: 'icon', 'aria-label': texts.removeQuery(name), title: texts.removeQuery(name),
      onclick: singly(() => this.#remove(query)),
    }, [cross()]);
    const image = element('img', {
      src: query.url, alt: '',
      onerror: () => { image.style.visibility = 'hidden'; }, // the answer says what is wrong, not a broken picture
    });
    offerDrags(image, QUERY, query, name);
    const picture = element('figure', { class: 'query' }, [image, element('figcaption', { title: name }, breakable(shortened(name, MOST_OF_A_NAME)))]);
    const row = element('li', { class: 'answer-row' }, [picture, answer.element, remove]);
    const made = { row, remove, answer, shown: null };
    this.#rows.set(query, made);
    return made;
  }
}

/** @param {Query} query @param {Query | null} shown as it was @returns {boolean} */
function isUnchanged(query, shown) {
  return shown !== null && shown.state === query.state && shown.prediction === query.prediction && shown.timing === query.timing
    && shown.problem === query.problem && shown.again === query.again;
}
