// npm install onnxruntime-node sharp; node detect.mjs photo.png ... prints the objects of each image as a line of JSON.

import { Detector } from "./detector.mjs";
import { bytes, ort, run } from "./program.mjs";
import { readImage } from "./read_image.mjs";

await run("detect", "photo.png ...", null, async (paths) => {
  const detector = await Detector.load(ort, bytes);
  for (const image of paths) console.log(JSON.stringify({ image, objects: await detector.detect(await readImage(image)) }));
});
