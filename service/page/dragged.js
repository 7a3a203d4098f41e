/** An image of the page that is being dragged. Which one it is, browsers tell only at the drop, and its name not even then. */

/** @typedef {import('./support.js').Example | import('./api.js').KeptExample | import('./queries.js').Query} Image */

// Of this page: what comes from another window is none of its images.
const PAGE = `application/x-metashot-${Math.random().toString(36).slice(2)}`;
export const EXAMPLE = `${PAGE}-example`;
export const QUERY = `${PAGE}-query`;

/** @type {Image | null} */
let last = null;

/** @param {HTMLElement} source @param {string} type what it is @param {Image} image @param {string} name of it */
export function offerDrags(source, type, image, name) {
  source.addEventListener('dragstart', ({ dataTransfer }) => {
    if (!dataTransfer) return;
    last = image;
    dataTransfer.setData(type, name);
    dataTransfer.effectAllowed = type === EXAMPLE ? 'move' : 'copy';
  });
}

/** @param {DragEvent} event @param {string} type @returns {Image | null} null where something else is dragged */
export const dragged = ({ dataTransfer }, type) => (dataTransfer?.types.includes(type) ? last : null);
