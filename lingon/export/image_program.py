"""Common parts of the READMEs of exported image models: reading an image, and the program for Node.js."""

READ_IMAGE = """\
def on_white(path):  # rotated as the camera notes
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def resized(image, width, height):  # two calls, so that the order does not depend on the version of Pillow
    for size in ((width, image.height), (width, height)):
        image = image.resize(size, Image.Resampling.BILINEAR)
    return image
"""


def in_node(module: str, usage: str, packages: str = "") -> list[str]:
    """Return the lines of a README about its program for Node.js.

    module: used by the program and a page. usage: the program with its arguments. packages: besides those for images.
    """
    return [
        f"In Node.js, by the modules in this folder; `{module}.mjs` and what it imports run in a page as well:",
        "",
        "```sh",
        " ".join(["npm install onnxruntime-node sharp", *packages.split()]),
        f"node {usage}",
        "```",
        "",
    ]
