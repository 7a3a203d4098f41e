/** Puts the parts of the page together: which change leads to what. */

import { listModels, pictureOf } from './api.js';
import { AskColumn } from './ask.js';
import { ClassList } from './class-list.js';
import { Classifiers } from './classifiers.js';
import { byId, debounced, fillTexts, warn } from './dom.js';
import { sayDoubts } from './doubt-marks.js';
import { Doubts } from './doubts.js';
import { offerExample } from './example.js';
import { GoOn } from './go-on.js';
import { acceptPastes, guardPage } from './intake.js';
import { KeptList } from './kept.js';
import { Notice } from './notice.js';
import { OpenedTask } from './opened.js';
import { Programs } from './programs.js';
import { Queries } from './queries.js';
import { Standing } from './standing.js';
import { SupportSet } from './support.js';
import { texts } from './texts.js';

/** @typedef {import('./api.js').Task} Task */

const AFTER_LAST_CHANGE = 600; // milliseconds without a change of the classes before they are learned

fillTexts();
const support = new SupportSet();
support.addGroup();
support.addGroup();
const classifiers = new Classifiers(support);
const queries = new Queries(classifiers);
const standing = new Standing(support, classifiers, queries);
const notice = new Notice(byId('own'));
const classes = () => classifiers.opened?.task.classes.map(({ label }) => ({ id: label, label })) ?? support.groups;
const labels = () => classes().map((one) => one.label);
const doubts = new Doubts(classifiers, queries, labels);
sayDoubts(doubts);
const classList = new ClassList(support, notice, doubts);
const ask = new AskColumn(queries, ({ id, filename }) => {
  const { opened: asked } = classifiers;
  if (asked) return id ? pictureOf(asked.task.id, id) : null;
  return support.example(filename)?.url ?? null;
}, classes, async ({ file }, { id, label }) => {
  if (classifiers.opened) return opened.changes.add(label, [{ file, folders: [] }]);
  const group = support.groups.find((one) => one.id === id);
  return group ? classList.takeOne(group, file) : false;
});
const kept = new KeptList(
  (task) => { open(task); byId('opened-heading').focus(); },
  (task) => {
    const lost = classifiers.lost(task.id);
    if (classifiers.opened?.task.id === task.id) closeOpened();
    else if (lost && !classifiers.opened) queries.ask();
  },
);
const models = listModels().then(({ items }) => items, () => []); // the page works without their licences
const goOn = new GoOn(
  async (name) => {
    const isCurrent = await classifiers.keep(name).finally(() => kept.refresh()); // it may be kept though the answer was lost
    return isCurrent ? texts.kept(name) : texts.keptBefore(name);
  },
  async (model) => (await models).find((one) => one.name === model)?.card.licence ?? '',
  labels,
);
const programs = new Programs();
const opened = new OpenedTask(new Notice(byId('opened')), (task) => {
  classifiers.lost(task.id); // if it was kept from the page's own classes, it no longer matches them
  const shown = classifiers.opened?.task;
  if (shown?.id === task.id && task.version >= shown.version) open(task); // answers may overtake each other
  kept.refresh();
}, (id) => classifiers.gone(id), doubts);

const learn = debounced(AFTER_LAST_CHANGE, () => {
  if (!classifiers.opened) queries.ask();
});

function show() {
  standing.show();
  goOn.show(classifiers.ready, !classifiers.problem && !support.obstacle());
  programs.show(classifiers.ready);
  opened.show(classifiers.opened?.task ?? null);
  ask.classesChanged();
}

/** @param {Task} task */
function open(task) {
  classifiers.open(task);
  queries.ask();
}

function closeOpened() {
  classifiers.close();
  queries.ask();
}

support.addEventListener('change', () => { learn.call(); show(); });
support.addEventListener('mark', show);
notice.addEventListener('over', () => support.forgetRemoved());
classifiers.addEventListener('change', show);
queries.addEventListener('change', () => standing.show());
byId('close-opened').addEventListener('click', () => { closeOpened(); byId('own-heading').focus(); });
guardPage();
acceptPastes((target) => classList.receiverAt(target) ?? opened.receiverAt(target) ?? ((found) => ask.take(found)));

window.addEventListener('beforeunload', (event) => { if (support.imageCount || opened.changes.arePending) event.preventDefault(); });
window.addEventListener('pagehide', () => classifiers.abandon());
window.addEventListener('pageshow', (event) => { if (event.persisted) queries.ask(); }); // Back: the draft is gone

show();
kept.refresh();

let exampleRevision = -1; // of the classes when they were those of the example
offerExample(({ support: filesByLabel, queries: files }) => {
  if (classifiers.opened) closeOpened();
  if (support.revision === exampleRevision) return; // there already: to replace it by itself would only bury the way back
  const hadImages = support.imageCount > 0;
  const bringBack = support.undoable(() => {
    for (const group of support.groups) support.removeGroup(group);
    support.fill(filesByLabel);
  });
  exampleRevision = support.revision;
  queries.add(files);
  const added = queries.files.slice(0, files.length);
  if (!hadImages) return;
  notice.offer(texts.replacedClasses, () => {
    bringBack();
    for (const query of added) queries.remove(query);
  });
}, (sentence) => {
  if (classifiers.opened) warn(byId('opened-note'), sentence);
  else classList.report(sentence);
});
