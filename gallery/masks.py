"""Which pixels? Scenes segmented into objects."""

from gallery import FOLDER, Exhibit

EXHIBIT = Exhibit(
    title="Which pixels? Scenes segmented into objects",
    text="A U-Net predicts a class for each pixel of a scene. The scenes are constructed from the stamps of Tux Paint.",
    commands=[
        "lingon train segment --data scenes --out runs/gallery/masks",
    ],
    picture=f"{FOLDER}/masks/report.html",
    minutes=10,
)
