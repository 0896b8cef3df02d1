// A file as pixels, in Node.js: rotated as the camera notes, four bytes a pixel.

import sharp from "sharp";

const MOST_PIXELS = 50_000_000; // of a file: 200 MB

/** The image { width, height, data } of a file. Throws an Error of one line for what is no image. */
export async function readImage(path) {
  const image = sharp(path, { ignoreIcc: true, limitInputPixels: MOST_PIXELS });
  const upright = image.rotate().toColourspace("srgb").ensureAlpha();
  try {
    const { data, info } = await upright.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data };
  } catch (error) {
    throw new Error(`${path}: ${error.message.split("\n")[0]}`);
  }
}
