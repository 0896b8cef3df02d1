// An exported segmenter as a function from an image to the class of each pixel, in Node.js and in a page alike.

import { configOf, graphOf } from "./folder.mjs";
import { channelsFirst, onWhite, resized, scaledSides } from "./pixels.mjs";

export class Segmenter {
  constructor(ort, graph, config) {
    Object.assign(this, { ort, graph, config });
  }

  /** bytes(name): the content of a file of the folder, as a Uint8Array. `ort`: onnxruntime-node or onnxruntime-web. */
  static async load(ort, bytes) {
    const config = await configOf(bytes, "segment");
    return new Segmenter(ort, await graphOf(ort, bytes, config.file), config);
  }

  /** Numbers of the classes of all pixels, row by row, of an image { width, height, data } of four bytes a pixel. */
  async segment(image) {
    const { height, width } = this.config.image;
    const images = channelsFirst(this.ort, resized(onWhite(image), width, height));
    const { logits } = await this.graph.run({ images });
    const [wide, tall] = scaledSides(image, Math.min(1, this.config.largest_side / Math.max(image.width, image.height)));
    const small = likeliest(logits.data, this.config.classes.length, { width, height }, { width: wide, height: tall });
    const mask = new Uint8Array(image.width * image.height);
    for (let y = 0; y < image.height; y++) {
      const row = Math.floor((y * tall) / image.height) * wide;
      for (let x = 0; x < image.width; x++) {
        mask[y * image.width + x] = small[row + Math.floor((x * wide) / image.width)];
      }
    }
    return mask;
  }

  /** The share of the pixels of each class, by its name, to four digits. */
  shares(mask) {
    const counts = this.config.classes.map(() => 0);
    for (const number of mask) counts[number]++;
    return Object.fromEntries(this.config.classes.map((name, i) => [name, Number((counts[i] / mask.length).toFixed(4))]));
  }
}

/** The class with the highest of interpolated logits, for each pixel of `after`. */
function likeliest(logits, classes, before, after) {
  const [rows, columns] = [between(before.height, after.height), between(before.width, after.width)];
  const best = new Float32Array(after.width * after.height).fill(-Infinity);
  const found = new Uint8Array(best.length);
  for (let number = 0; number < classes; number++) {
    const plane = logits.subarray(number * before.width * before.height, (number + 1) * before.width * before.height);
    for (let y = 0, at = 0; y < after.height; y++) {
      const [above, below] = [rows[y].low * before.width, rows[y].high * before.width];
      for (let x = 0; x < after.width; x++, at++) {
        const { low, high, share } = columns[x];
        const upper = plane[above + low] * (1 - share) + plane[above + high] * share;
        const lower = plane[below + low] * (1 - share) + plane[below + high] * share;
        const value = Math.fround(upper * (1 - rows[y].share) + lower * rows[y].share);
        if (value > best[at]) [best[at], found[at]] = [value, number];
      }
    }
  }
  return found;
}

/** Between which two of `before` places each of `after` lies, and how near to the second. */
function between(before, after) {
  return Array.from({ length: after }, (_, i) => {
    const at = Math.max(0, ((i + 0.5) * before) / after - 0.5);
    const low = Math.floor(at);
    return { low, high: Math.min(low + 1, before - 1), share: at - low };
  });
}
