// Pixels as Pillow makes them, number for number: an image on white, in another size, inside of a frame.
// An image is { width, height, data }, its rows from the top. What comes of `onWhite` has three bytes a pixel.

const BITS = 22; // of a weight, behind the point

/** An image of four bytes a pixel, as a canvas has it, laid on white. */
export function onWhite({ width, height, data }) {
  const found = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    const alpha = data[4 * i + 3];
    for (let c = 0; c < 3; c++) {
      const sum = (data[4 * i + c] * alpha + 255 * (255 - alpha)) * 128 + 128 * 128;
      found[3 * i + c] = ((sum >> 8) + sum) >> 15; // / 255 / 128, rounded
    }
  }
  return { width, height, data: found };
}

/** An image in another size, stretched: bilinear, of a smaller one with the mean of all that a pixel covers. */
export function resized(image, width, height) {
  const { width: w, height: h, data } = image;
  const wide = w === width ? data : means(data, h, weightsOf(w, width), [3, 3 * w], [3, 3 * width]);
  const step = 3 * width;
  return { width, height, data: h === height ? wide : means(wide, width, weightsOf(h, height), [step, 3], [step, 3]) };
}

/** Where each of `after` pixels begins to look among `before` ones, and the weights from there on, in whole numbers. */
function weightsOf(before, after) {
  const scale = before / after;
  const support = Math.max(1, scale);
  return Array.from({ length: after }, (_, i) => {
    const center = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const count = Math.min(before, Math.trunc(center + support + 0.5)) - start;
    const near = (x) => Math.max(0, 1 - Math.abs((x + start - center + 0.5) * (1 / support)));
    const weights = Array.from({ length: count }, (_, x) => near(x));
    const total = weights.reduce((sum, x) => sum + x, 0);
    return { start, weights: Int32Array.from(weights, (x) => Math.floor((x / total) * 2 ** BITS + 0.5)) };
  });
}

/** Lines of pixels as weighted means of themselves. Steps, in bytes, from pixel to pixel of a line and line to line. */
function means(data, lines, parts, [step, lineStep], [newStep, newLineStep]) {
  const found = new Uint8Array(lines * parts.length * 3);
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < parts.length; i++) {
      const { start, weights } = parts[i];
      for (let c = 0; c < 3; c++) {
        let sum = 1 << (BITS - 1);
        let at = line * lineStep + start * step + c;
        for (let k = 0; k < weights.length; k++, at += step) sum += data[at] * weights[k];
        found[line * newLineStep + i * newStep + c] = Math.min(255, sum >> BITS);
      }
    }
  }
  return found;
}

/** The luma of ITU-R 601 in place of red, green and blue. */
export function grey({ width, height, data }) {
  const found = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    found.fill((data[i] * 19595 + data[i + 1] * 38470 + data[i + 2] * 7471 + 0x8000) >> 16, i, i + 3);
  }
  return { width, height, data: found };
}

/** An image in another size: its middle (crop), all of it on white (pad), or all of it out of shape (stretch). */
export function fitted(image, width, height, fit) {
  if (fit === "stretch") return resized(image, width, height);
  const scale = (fit === "crop" ? Math.max : Math.min)(height / image.height, width / image.width);
  const [wide, tall] = scaledSides(image, scale);
  const small = resized(image, wide, tall);
  if (fit === "pad") return inFrame(small, width, height, Math.floor((width - wide) / 2), Math.floor((height - tall) / 2), 255);
  return cropped(small, width, height, Math.floor((wide - width) / 2), Math.floor((tall - height) / 2));
}

/** So much of an image from this place on. */
function cropped(image, width, height, left, top) {
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const start = 3 * ((top + y) * image.width + left);
    data.set(image.data.subarray(start, start + 3 * width), 3 * y * width);
  }
  return { width, height, data };
}

/** An image in a frame of one grey, its upper left corner at this place. */
export function inFrame(image, width, height, left, top, grey) {
  const data = new Uint8Array(3 * width * height).fill(grey);
  for (let y = 0; y < image.height; y++) {
    const row = image.data.subarray(3 * y * image.width, 3 * (y + 1) * image.width);
    data.set(row, 3 * ((top + y) * width + left));
  }
  return { width, height, data };
}

/** The sides of an image times a number: whole pixels, one or more. Halves go to the even one. */
export function scaledSides({ width, height }, scale) {
  const round = (x) => (x % 1 === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));
  return [width, height].map((side) => Math.max(1, round(side * scale)));
}

/** Numbers from 0 to 1, channel after channel, as a tensor [1, channels, height, width]; one channel of what is grey. */
export function channelsFirst(ort, { width, height, data }, channels = 3) {
  const found = new Float32Array(channels * width * height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < channels; c++) found[c * width * height + i] = data[3 * i + c] / 255;
  }
  return new ort.Tensor("float32", found, [1, channels, height, width]);
}
