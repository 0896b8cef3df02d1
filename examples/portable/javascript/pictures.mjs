// What a page finds in a picture: objects by an exported detector, a caption by an exported captioner. No DOM in here.

const MOST_PIXELS = 50_000_000;

export class Pictures {
  constructor(detector, captioner) {
    Object.assign(this, { detector, captioner });
    this.before = Promise.resolve(); // what is being looked at; a graph runs once at a time
  }

  /**
   * The models beside the page. file(path): the content of a file of the page, as a Uint8Array. `ort`: onnxruntime-web
   * or onnxruntime-node. Tokenizer: the class of the package @huggingface/tokenizers.
   */
  static async load(ort, file, Tokenizer) {
    const tasks = JSON.parse(new TextDecoder().decode(await file("tasks.json")));
    const of = (task) => (name) => file(`model/${task}/${name}`);
    const found = new Pictures();
    if (tasks.includes("detect")) {
      const { Detector } = await import("./model/detect/detector.mjs");
      found.detector = await Detector.load(ort, of("detect"));
    }
    if (tasks.includes("caption")) {
      const { Captioner } = await import("./model/caption/captioner.mjs");
      found.captioner = await Captioner.load(ort, of("caption"), Tokenizer);
    }
    return found;
  }

  /** Objects, caption and milliseconds of an image { width, height, data } of four bytes a pixel. */
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
    const objects = (await this.detector?.detect(image)) ?? [];
    const caption = (await this.captioner?.caption(image)) ?? "";
    return { objects, caption, milliseconds: performance.now() - begun };
  }

  /** The same of many images, each as a list: what tests ask for. read(name): the image of a file. */
  async measured(names, read) {
    const found = { objects: [], captions: [], milliseconds: [] };
    for (const name of names) {
      const { objects, caption, milliseconds } = await this.look(await read(name));
      found.objects.push(objects);
      found.captions.push(caption);
      found.milliseconds.push(milliseconds);
    }
    return found;
  }
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
