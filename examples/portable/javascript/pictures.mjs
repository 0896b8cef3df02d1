// What a page finds in a picture: its label by an exported classifier, objects by a detector, a caption by a captioner.
// No DOM in here.

const MOST_PIXELS = 50_000_000;

export class Pictures {
  constructor(models = {}) {
    Object.assign(this, models); // classifier, detector, captioner: those that there are
    this.before = Promise.resolve(); // what is being looked at; a graph runs once at a time
  }

  /**
   * The models beside the page. file(path): the content of a file of the page, as a Uint8Array. `ort`: onnxruntime-web
   * or onnxruntime-node. Tokenizer: the class of the package @huggingface/tokenizers.
   */
  static async load(ort, file, Tokenizer) {
    const tasks = JSON.parse(new TextDecoder().decode(await file("tasks.json")));
    const of = (task) => (name) => file(`model/${task}/${name}`);
    const models = {};
    if (tasks.includes("classify-images")) {
      const { ImageClassifier } = await import("./model/classify-images/image_classifier.mjs");
      models.classifier = await ImageClassifier.load(ort, of("classify-images"));
    }
    if (tasks.includes("detect")) {
      const { Detector } = await import("./model/detect/detector.mjs");
      models.detector = await Detector.load(ort, of("detect"));
    }
    if (tasks.includes("caption")) {
      const { Captioner } = await import("./model/caption/captioner.mjs");
      models.captioner = await Captioner.load(ort, of("caption"), Tokenizer);
    }
    return new Pictures(models);
  }

  /** Label, objects, caption and milliseconds of an image { width, height, data } of four bytes a pixel. */
  look(image) {
    const found = this.before.then(() => this.found(image));
    this.before = found.catch(() => {});
    return found;
  }

  async found(image) {
    if (image.width * image.height > MOST_PIXELS) {
      throw new Error(`${image.width} x ${image.height} pixels; at most ${MOST_PIXELS} are read`);
    }
    const begun = performance.now();
    const label = (await this.classifier?.classify(image)) ?? null;
    const objects = (await this.detector?.detect(image)) ?? [];
    const caption = (await this.captioner?.caption(image)) ?? "";
    return { label, objects, caption, milliseconds: performance.now() - begun };
  }

  /** The same of many images, each as a list: what tests ask for. read(name): the image of a file. */
  async measured(names, read) {
    const found = { labels: [], objects: [], captions: [], milliseconds: [] };
    for (const name of names) {
      const { label, objects, caption, milliseconds } = await this.look(await read(name));
      found.labels.push(label);
      found.objects.push(objects);
      found.captions.push(caption);
      found.milliseconds.push(milliseconds);
    }
    return found;
  }
}

/** What is found in a picture in words: its label, its caption, and how many objects where these are looked for. */
export function inWords({ classifier, detector }, { label, objects, caption }) {
  const lines = caption ? [caption] : [];
  if (classifier) lines.unshift(`${label.label}, ${(100 * label.probability).toFixed(1)} %`);
  if (detector) lines.push(`${objects.length} object${objects.length === 1 ? "" : "s"}`);
  return lines;
}

/** A colour for each different label, in the order they come. */
export function coloursOf(objects) {
  const labels = [...new Set(objects.map(({ label }) => label))];
  return new Map(labels.map((label, i) => [label, `hsl(${(i * 137 + 200) % 360} 75% 40%)`]));
}

/** Draws boxes with their labels over a picture. context: of a canvas, in pixels of the picture. */
export function drawBoxes(context, objects, width) {
  const [colours, size] = [coloursOf(objects), Math.max(10, width / 40)];
  context.font = `${size}px system-ui, sans-serif`;
  context.lineWidth = Math.max(1, width / 250);
  for (const { label, score, box: [left, top, right, bottom] } of objects.toReversed()) {
    const said = `${label} ${score.toFixed(2)}`;
    context.strokeStyle = context.fillStyle = colours.get(label);
    context.strokeRect(left, top, right - left, bottom - top);
    const line = Math.max(0, top - size * 1.3);
    context.fillRect(left, line, context.measureText(said).width + size / 2, size * 1.3);
    context.fillStyle = "white";
    context.fillText(said, left + size / 4, line + size);
  }
}
