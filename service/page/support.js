/** The user's classes and their images. Knows no element of the page; announces changes by a `change` event. */

import { namedApart } from './files.js';
import { texts } from './texts.js';

/** @typedef {{ id: number, file: File, url: string, problem: string | null }} Example */
/** @typedef {{ id: number, label: string, examples: Example[] }} Group one class */
/** @typedef {{ sentence: string, misnamed: number | null }} Obstacle why the set makes no classifier yet; id of a group to rename */

export const LONGEST_LABEL = 100; // characters that the service allows

export class SupportSet extends EventTarget {
  #ids = 0;
  /** @type {Set<string>} names of all images ever added: a removed one may be put back beside newer ones */
  #names = new Set();
  /** @type {Set<Example>} whose pictures the browser holds */
  #pictured = new Set();

  /** Counts the changes, each of which calls for another classifier. */
  revision = 0;

  /** @type {Group[]} */
  groups = [];

  get imageCount() {
    return this.groups.reduce((sum, group) => sum + group.examples.length, 0);
  }

  /** @param {string} [label] @returns {Group} */
  addGroup(label) {
    const taken = new Set(this.groups.map((group) => group.label));
    let number = this.groups.length + 1;
    while (taken.has(texts.defaultLabel(number))) number += 1;
    const group = { id: this.#nextId(), label: canonical(label ?? texts.defaultLabel(number)), examples: [] };
    this.groups = [...this.groups, group];
    this.#changed();
    return group;
  }

  /** @param {Group} group @param {string} label */
  rename(group, label) {
    group.label = canonical(label);
    this.#changed();
  }

  /** @param {Group} group @param {File[]} files @returns {Example[]} */
  add(group, files) {
    const made = namedApart(files, this.#names).map((file) => {
      this.#names.add(file.name);
      return { id: this.#nextId(), file, url: URL.createObjectURL(file), problem: null };
    });
    for (const example of made) this.#pictured.add(example);
    group.examples = [...group.examples, ...made];
    this.#changed();
    return made;
  }

  /** @param {Group} group @param {Example} example */
  remove(group, example) {
    group.examples = group.examples.filter((one) => one !== example);
    this.#changed();
  }

  /** @param {Example} example @param {Group} group that it goes to */
  move(example, group) {
    for (const one of this.groups) one.examples = one.examples.filter((other) => other !== example);
    group.examples = [...group.examples, example];
    this.#changed();
  }

  /** @param {Group} group */
  removeGroup(group) {
    this.groups = this.groups.filter((one) => one !== group);
    this.#changed();
  }

  /**
   * Sort whole folders into classes, those of the same name or new ones; other classes without images are removed.
   * @param {Map<string, File[]>} filesByLabel
   */
  fill(filesByLabel) {
    const labels = new Set([...filesByLabel.keys()].map(canonical));
    this.groups = this.groups.filter((group) => group.examples.length || labels.has(group.label));
    for (const [label, files] of filesByLabel) {
      const group = this.groups.find((one) => one.label === canonical(label)) ?? this.addGroup(label);
      this.add(group, files);
    }
  }

  /**
   * @param {() => void} change which groups there are, and which examples they have
   * @returns {() => void} takes that change back, and nothing that was done after it
   */
  undoable(change) {
    const groups = this.groups;
    const before = new Map(groups.map((group) => [group, group.examples]));
    change();
    const after = new Map(this.groups.map((group) => [group, group.examples]));
    return () => {
      for (const [group, examples] of after) group.examples = reverted(group.examples, before.get(group) ?? [], examples);
      // A group that the change created stays if it was given more images since.
      const came = [...after.keys()].filter((group) => !group.examples.length);
      this.groups = reverted(this.groups, groups, [...came, ...groups.filter((group) => after.has(group))]);
      this.#changed();
    };
  }

  /** Let the browser drop the pictures of removed examples: none of them can be put back any more. */
  forgetRemoved() {
    const held = new Set(this.groups.flatMap((group) => group.examples));
    for (const example of this.#pictured) {
      if (held.has(example)) continue;
      URL.revokeObjectURL(example.url);
      this.#pictured.delete(example);
    }
  }

  /**
   * Mark the image that the service could not take.
   * @param {string} fileName
   * @param {string} sentence
   * @returns {boolean} whether the set holds that image
   */
  mark(fileName, sentence) {
    const example = this.groups.flatMap((group) => group.examples).find((one) => one.file.name === fileName);
    if (!example) return false;
    example.problem = sentence;
    this.dispatchEvent(new Event('mark'));
    return true;
  }

  /** @param {string} fileName @returns {Example | undefined} */
  example(fileName) {
    return this.groups.flatMap((group) => group.examples).find((one) => one.file.name === fileName);
  }

  /** @returns {import('./api.js').Labelled[]} what a classifier is made from */
  labelled() {
    return this.groups.flatMap((group) => group.examples.map(({ file }) => ({ file, label: group.label })));
  }

  /** @returns {Obstacle | null} null when a classifier can be made */
  obstacle() {
    const seen = new Set();
    for (const group of this.groups) {
      if (!group.label) return { sentence: texts.needName, misnamed: group.id };
      if ([...group.label].length > LONGEST_LABEL) return { sentence: texts.needShorter(group.label, LONGEST_LABEL), misnamed: group.id };
      if (hasDots(group.label)) return { sentence: texts.needNoDots(group.label), misnamed: group.id };
      if (seen.has(group.label)) return { sentence: texts.needOther(group.label), misnamed: group.id };
      seen.add(group.label);
    }
    if (this.groups.length < 2) return { sentence: texts.needClass, misnamed: null };
    const empty = this.groups.filter((group) => !group.examples.length);
    if (empty.length) return { sentence: texts.needImages(empty.map((group) => group.label)), misnamed: null };
    const refused = this.groups.find((group) => group.examples.some((example) => example.problem));
    if (refused) return { sentence: texts.needSound(refused.label), misnamed: null };
    return null;
  }

  #nextId() {
    this.#ids += 1;
    return this.#ids;
  }

  #changed() {
    this.revision += 1;
    this.dispatchEvent(new Event('change'));
  }
}

const TABS_AND_BREAKS = /[\t-\r\u0085\u2028\u2029]+/g; // as come with cells of a spreadsheet; a label has none

/** @param {string} label @returns {string} in the service's form, which makes one class of labels that look the same */
export function canonical(label) {
  return label.replace(TABS_AND_BREAKS, ' ').trim().normalize('NFC');
}

/**
 * @param {Map<string, File[]>} classes
 * @param {string[]} taken names of other examples
 * @returns {import('./api.js').Labelled[]}
 */
export function labelled(classes, taken) {
  const labels = [...classes].flatMap(([label, files]) => files.map(() => canonical(label)));
  return namedApart([...classes.values()].flat(), taken).map((file, index) => ({ file, label: labels[index] }));
}

/** @param {string} label @returns {boolean} whether a part of it means another address, so that the service refuses it */
const hasDots = (label) => label.split('/').some((part) => part === '.' || part === '..');

/**
 * @template One
 * @param {One[]} now
 * @param {One[]} before a change
 * @param {One[]} after that change
 * @returns {One[]} `now` with the change undone: what it removed is back in its place, what it added is gone
 */
function reverted(now, before, after) {
  const all = now.filter((one) => before.includes(one) || !after.includes(one));
  before.forEach((one, index) => {
    if (after.includes(one) || all.includes(one)) return;
    const earlier = before.slice(0, index).reverse().find((other) => all.includes(other));
    all.splice(earlier === undefined ? 0 : all.indexOf(earlier) + 1, 0, one);
  });
  return all;
}
