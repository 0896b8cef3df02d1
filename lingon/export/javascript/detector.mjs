// An exported detector as a function from an image to its objects, in Node.js and in a page alike.

import { configOf, graphOf } from "./folder.mjs";
import { channelsFirst, inFrame, onWhite, resized, scaledSides } from "./pixels.mjs";

export class Detector {
  constructor(ort, graph, config) {
    Object.assign(this, { ort, graph, config });
  }

  /** bytes(name): the content of a file of the folder, as a Uint8Array. `ort`: onnxruntime-node or onnxruntime-web. */
  static async load(ort, bytes) {
    const config = await configOf(bytes, "detect");
    return new Detector(ort, await graphOf(ort, bytes, config.file), config);
  }

  /**
   * The objects of an image { width, height, data } of four bytes a pixel, the surest first: label, score and box. A
   * box is left, top, right and bottom in pixels of the image.
   */
  async detect(image) {
    const { height, width, background } = this.config.image;
    const scale = Math.min(height / image.height, width / image.width);
    const [wide, tall] = scaledSides(image, scale).map((side, i) => Math.min(side, [width, height][i]));
    const frame = inFrame(resized(onWhite(image), wide, tall), width, height, 0, 0, background[0]);
    const { boxes, scores, classes } = await this.graph.run({ images: channelsFirst(this.ort, frame) });
    return this.chosen(boxes.data, scores.data, classes.data)
      .map(({ box, score, number }) => ({ box: inImage(box, scale, image), score, label: this.config.labels[number] }))
      .filter(({ box: [left, top, right, bottom] }) => Math.min(right - left, bottom - top) >= 1)
      .map(({ box, score, label }) => ({ label, score: rounded(score, 4), box: box.map((side) => rounded(side, 1)) }));
  }

  /** Of the likeliest places, best first, those that are sure enough and overlap no better one of their class. */
  chosen(boxes, scores, classes) {
    const { threshold, overlap, most } = this.config;
    const kept = [];
    for (let i = 0; i < scores.length && scores[i] >= threshold; i++) {
      const one = { box: Array.from(boxes.slice(4 * i, 4 * i + 4)), score: scores[i], number: classes[i] };
      if (kept.every((better) => better.number !== one.number || iou(better.box, one.box) <= overlap)) kept.push(one);
    }
    return kept.slice(0, most);
  }
}

const area = ([left, top, right, bottom]) => Math.max(0, right - left) * Math.max(0, bottom - top);

/** Intersection over union of two boxes, 0 where both have no area. */
export function iou(a, b) {
  const shared = area([...[0, 1].map((i) => Math.max(a[i], b[i])), ...[2, 3].map((i) => Math.min(a[i], b[i]))]);
  return shared / (area(a) + area(b) - shared) || 0;
}

/** A box of the frame in pixels of the image, inside of it; in numbers of 32 bits, as Lingon has them. */
function inImage(box, scale, { width, height }) {
  const own = box.map((side) => Math.fround(side / Math.fround(scale)));
  return own.map((side, i) => Math.min(Math.max(side, 0), i % 2 ? height : width));
}

const rounded = (number, digits) => Number(number.toFixed(digits));
