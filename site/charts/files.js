// Saves scenes as SVG and PNG, and hands files to the visitor; main thread.

import { aboutRun } from '../page/about.js';
import { drawScene, fitted } from './canvas.js';
import { pngWithText } from './metadata.js';
import { rect, stack, text, moved } from './scene.js';
import { svgOf } from './svg.js';
import { css } from './theme.js';

/** @import {Scene} from './scene.js' */

export const WIDTH = 760; // px of a saved picture, less its margins
const MARGIN = 24;
const SHARP = 2; // pixels of a PNG for each px

/** The scenes below each other, under their title. @param {string} title @param {string} note @param {Scene[]} scenes @returns {Scene} */
function titled(title, note, scenes) {
  const all = stack(scenes, 16);
  const top = note ? 52 : 32;
  const width = Math.max(WIDTH, all.width);
  const head = [text(0, 10, title, { size: 18, weight: 600, fill: 'ink', room: width }), ...(note ? [text(0, 34, note, { size: 13, room: width })] : [])];
  return { width, height: top + all.height, marks: [...head, ...all.marks.map((mark) => moved(mark, 0, top))], areas: [] };
}

/** @param {string} title @param {string} note @param {Scene[]} scenes @param {object} [about] JSON in the metadata */
function svgBlob(title, note, scenes, about) {
  const means = { css, fitted, ground: css('page') };
  return new Blob([svgOf(titled(title, note, scenes), title, MARGIN, means, about && JSON.stringify(about))], { type: 'image/svg+xml' });
}

/** @param {string} title @param {string} note @param {Scene[]} scenes @param {object} [about] as in svgBlob @returns {Promise<Blob>} */
async function pngBlob(title, note, scenes, about) {
  const scene = titled(title, note, scenes);
  const [width, height] = [scene.width + 2 * MARGIN, scene.height + 2 * MARGIN];
  const canvas = document.createElement('canvas');
  drawScene(canvas, { width, height, areas: [], marks: [rect(0, 0, width, height, 'page'), ...scene.marks.map((mark) => moved(mark, MARGIN, MARGIN))] }, SHARP);
  const blob = await pngOf(canvas);
  return about ? new Blob([pngWithText(new Uint8Array(await blob.arrayBuffer()), JSON.stringify(about))], { type: blob.type }) : blob;
}

/**
 * A picture to save: its file's name without the ending, a title, a line below it, and what it says of itself.
 * @typedef {{ name: string, title: string, note: string, scenes: Scene[], about?: object }} Picture
 */

/**
 * Saves a picture in either format; it is made when it is asked for. Its metadata names the run that it is of, too.
 * @param {() => Picture | Promise<Picture>} make
 */
export const pictureFiles = (make) => ({
  SVG: async () => {
    const { name, title, note, scenes, about } = await made(make);
    saveBlob(`${name}.svg`, svgBlob(title, note, scenes, about));
  },
  PNG: async () => {
    const { name, title, note, scenes, about } = await made(make);
    saveBlob(`${name}.png`, await pngBlob(title, note, scenes, about));
  },
});

/** @param {() => Picture | Promise<Picture>} make @returns {Promise<Picture>} */
async function made(make) {
  const picture = await make();
  return { ...picture, about: { title: picture.title, ...(await aboutRun()), ...picture.about } };
}

/**
 * Saves a picture that is an SVG already, in either format.
 * @param {string} name the file's, without the ending @param {() => string} make
 */
export const svgFiles = (name, make) => ({
  SVG: async () => saveBlob(`${name}.svg`, new Blob([make()], { type: 'image/svg+xml' })),
  PNG: async () => {
    const image = new Image();
    image.src = URL.createObjectURL(new Blob([make()], { type: 'image/svg+xml' }));
    try {
      await image.decode();
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [image.naturalWidth * SHARP, image.naturalHeight * SHARP];
      canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
      saveBlob(`${name}.png`, await pngOf(canvas));
    } finally {
      URL.revokeObjectURL(image.src);
    }
  },
});

/** @param {HTMLCanvasElement} canvas @returns {Promise<Blob>} */
async function pngOf(canvas) {
  /** @type {Blob | null} */
  const blob = await new Promise((resolve) => canvas.toBlob(resolve));
  if (!blob) throw new Error('The picture is too large to save as PNG: save it as SVG.');
  return blob;
}

/** @param {string} name the file's, without the ending @param {string} csv */
export const saveCsv = (name, csv) => saveBlob(`${name}.csv`, new Blob([csv], { type: 'text/csv;charset=utf-8' }));

/** @param {string} name the file's, without the ending @param {string} json */
export const saveJson = (name, json) => saveBlob(`${name}.json`, new Blob([json], { type: 'application/json' }));

/** Hands a file to the visitor. @param {string} name @param {Blob} blob */
export function saveBlob(name, blob) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
