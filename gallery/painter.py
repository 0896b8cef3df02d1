"""A network that learns to paint as van Gogh did."""

from gallery import FOLDER, Exhibit

EXHIBIT = Exhibit(
    title="A network that learns to paint as van Gogh did",
    text="It starts from a published one, which paints as Hokusai did, and then paints any photo in one pass.",
    commands=[
        "lingon train style --data photos --style starry-night --from wave --out runs/gallery/painter",
    ],
    picture=f"{FOLDER}/painter/report.html",
    minutes=4,
)
