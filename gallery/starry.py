"""A cat as van Gogh might have painted it."""

from gallery import FOLDER, Exhibit

EXHIBIT = Exhibit(
    title="A cat as van Gogh might have painted it",
    text=(
        "The pixels of a photo are optimized until its textures are those of The Starry Night (Gatys et al. "
        "2016). The page has a slider between the two."
    ),
    commands=[
        (
            "lingon stylize chelsea --style starry-night --out runs/gallery/starry.png --overwrite "
            "--page runs/gallery/starry.html"
        ),
    ],
    picture=f"{FOLDER}/starry.html",
    minutes=4,
)
