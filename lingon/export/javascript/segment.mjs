// npm install onnxruntime-node sharp; node segment.mjs photo.png mask.png writes the class of each pixel, a grey png
// whose values are numbers of classes, and prints the share of each class.

import sharp from "sharp";
import { bytes, ort, run } from "./program.mjs";
import { readImage } from "./read_image.mjs";
import { Segmenter } from "./segmenter.mjs";

await run("segment", "photo.png mask.png", 2, async ([photo, out]) => {
  const segmenter = await Segmenter.load(ort, bytes);
  const image = await readImage(photo);
  const mask = await segmenter.segment(image);
  const { width, height } = image;
  await sharp(mask, { raw: { width, height, channels: 1 } }).toColourspace("b-w").png().toFile(out);
  console.log(JSON.stringify({ image: photo, shares: segmenter.shares(mask) }));
});
