// npm install onnxruntime-node sharp @huggingface/tokenizers; node caption.mjs photo.png ... prints the caption of each
// image as a line of JSON.

import { Tokenizer } from "@huggingface/tokenizers";
import { Captioner } from "./captioner.mjs";
import { bytes, ort, run } from "./program.mjs";
import { readImage } from "./read_image.mjs";

await run("caption", "photo.png ...", null, async (paths) => {
  const captioner = await Captioner.load(ort, bytes, Tokenizer);
  for (const image of paths) console.log(JSON.stringify({ image, caption: await captioner.caption(await readImage(image)) }));
});
