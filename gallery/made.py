"""Clothes that do not exist."""

from gallery import FOLDER, Exhibit

EXHIBIT = Exhibit(
    title="Clothes that do not exist",
    text=(
        "A diffusion model generates images of clothes from noise, one row for each kind, and interpolates between "
        "kinds."
    ),
    commands=[
        "lingon train synthesize --data fashion-mnist --model diffusion --out runs/gallery/made",
        "lingon generate runs/gallery/made --out runs/gallery/made.png --overwrite",
    ],
    picture=f"{FOLDER}/made/report.html",
    minutes=15,
)
