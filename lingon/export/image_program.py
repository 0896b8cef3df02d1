"""The part of programs in READMEs that reads an image as Lingon reads it."""

READ_IMAGE = """\
def on_white(path):  # rotated as the camera notes
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def resized(image, width, height):  # two calls, so that the order does not depend on the version of Pillow
    for size in ((width, image.height), (width, height)):
        image = image.resize(size, Image.Resampling.BILINEAR)
    return image
"""
