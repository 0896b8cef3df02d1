// npm install onnxruntime-node sharp; node classify.mjs photo.png ... prints the label of each image as a line of JSON.

import { ImageClassifier } from "./image_classifier.mjs";
import { bytes, ort, run } from "./program.mjs";
import { readImage } from "./read_image.mjs";

await run("classify", "photo.png ...", null, async (paths) => {
  const classifier = await ImageClassifier.load(ort, bytes);
  for (const image of paths) console.log(JSON.stringify({ image, ...(await classifier.classify(await readImage(image))) }));
});
