/** Files and folders as a browser gives them to what they are dropped on. */

export const fileEntry = (file) => ({ isFile: true, name: file.name, file: (done) => done(file) });

export const folderEntry = (name, ...children) => ({
  name, createReader: () => ({ readEntries: (done) => done(children.splice(0)) }),
});

/** Drop `entries` on the element of that id, or on `zone` itself. */
export function drop(zone, ...entries) {
  const items = entries.map((entry) => ({ webkitGetAsEntry: () => entry }));
  const event = Object.assign(new Event('drop', { cancelable: true }), { dataTransfer: { items, files: [], types: ['Files'] } });
  (typeof zone === 'string' ? document.getElementById(zone) : zone).dispatchEvent(event);
}
