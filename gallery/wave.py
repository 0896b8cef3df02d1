"""A photo in the style of The Great Wave, in a second."""

from gallery import FOLDER, Exhibit

EXHIBIT = Exhibit(
    title="A photo in the style of The Great Wave, in a second",
    text="A published network renders a photo in the style in one pass (Johnson et al. 2016).",
    commands=[
        (
            "lingon stylize astronaut --net wave --size 512 --out runs/gallery/wave.png --overwrite "
            "--page runs/gallery/wave.html"
        ),
    ],
    picture=f"{FOLDER}/wave.html",
    minutes=1,
)
