"""Which pixels are it? Scenes cut into things."""

from gallery import FOLDER, Exhibit

EXHIBIT = Exhibit(
    title="Which pixels are it? Scenes cut into things",
    text="A U-Net gives each pixel of a scene a class. The scenes are constructed, of the stamps of Tux Paint.",
    commands=[
        "lingon train segment --data scenes --out runs/gallery/masks",
    ],
    picture=f"{FOLDER}/masks/report.html",
    minutes=10,
)
