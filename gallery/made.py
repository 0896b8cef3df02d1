"""Clothes that nobody has sewn."""

from gallery import FOLDER, Exhibit

EXHIBIT = Exhibit(
    title="Clothes that nobody has sewn",
    text=(
        "A diffusion model makes images of clothes from noise, a row for each kind, and walks from one kind to another."
    ),
    commands=[
        "lingon train synthesize --data fashion-mnist --model diffusion --out runs/gallery/made",
        "lingon generate runs/gallery/made --out runs/gallery/made.png --overwrite",
    ],
    picture=f"{FOLDER}/made/report.html",
    minutes=15,
)
