"""Images with boxes as files of each format, made up: white rectangles on black."""

import json

import numpy as np

from lingon.data.files.images import save_image

H, W = 48, 64
LABELS = ("cell", "speck")


def drawings(count, seed=0):
    """Images uint8 [H, W, 3] with one or two boxes each, and a label for each box: large ones are cells."""
    random = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        pixels, boxes, labels = random.integers(0, 40, (H, W, 3)).astype(np.uint8), [], []
        for side in range(int(random.integers(1, 3))):
            size = int(random.choice([10, 20]))
            left, top = int(random.integers(0, W // 2 - size)) + side * W // 2, int(random.integers(0, H - size))
            pixels[top : top + size, left : left + size] = (250, 80, 80) if size == 20 else (80, 250, 250)
            boxes.append((left, top, left + size, top + size))
            labels.append(LABELS[0 if size == 20 else 1])
        made.append((pixels, boxes, labels))
    return made


def voc_xml(name, boxes, labels, size=(W, H), more=""):
    sides = ("xmin", "ymin", "xmax", "ymax")
    objects = "".join(
        f"<object><name>{label}</name><bndbox>"
        + "".join(f"<{side}>{value}</{side}>" for side, value in zip(sides, box, strict=True))
        + f"</bndbox>{more}</object>\n"
        for box, label in zip(boxes, labels, strict=True)
    )
    sizes = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>" if size else ""
    return f"<annotation><filename>{name}</filename>{sizes}\n{objects}</annotation>"


def write_voc(folder, made):
    """A folder with an .xml beside each image."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, (pixels, boxes, labels) in enumerate(made):
        save_image(folder / f"{i:03}.png", pixels)
        (folder / f"{i:03}.xml").write_text(voc_xml(f"{i:03}.png", boxes, labels))
    return folder


def write_yolo(folder, made):
    """images, labels and a data.yaml."""
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "data.yaml").write_text("# made up\ntrain: images\nnc: 2\nnames: ['cell', \"speck\"]\n")
    for i, (pixels, boxes, labels) in enumerate(made):
        save_image(folder / "images" / f"{i:03}.png", pixels)
        rows = []
        for (left, top, right, bottom), label in zip(boxes, labels, strict=True):
            middle = ((left + right) / 2 / W, (top + bottom) / 2 / H, (right - left) / W, (bottom - top) / H)
            rows.append(" ".join([str(LABELS.index(label)), *map(str, middle)]))
        (folder / "labels" / f"{i:03}.txt").write_text("\n".join(rows) + "\n")
    return folder


def coco_of(made):
    images = [{"id": i, "file_name": f"{i:03}.png", "width": W, "height": H} for i in range(len(made))]
    categories = [{"id": 10 + i, "name": name} for i, name in enumerate(LABELS)]
    annotations = [
        {"id": 1, "image_id": i, "category_id": 10 + LABELS.index(label), "iscrowd": 0,
         "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]]}
        for i, (_, boxes, labels) in enumerate(made) for box, label in zip(boxes, labels, strict=True)
    ]  # fmt: skip
    return {"images": images, "annotations": annotations, "categories": categories}


def write_coco(folder, made):
    """images and a .json."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for i, (pixels, _, _) in enumerate(made):
        save_image(folder / "images" / f"{i:03}.png", pixels)
    (folder / "coco.json").write_text(json.dumps(coco_of(made)))
    return folder / "coco.json"
