"""A network that learns to paint like van Gogh."""

from gallery import FOLDER, Exhibit

EXHIBIT = Exhibit(
    title="A network that learns to paint like van Gogh",
    text="It starts from a published network, which paints like Hokusai, and then renders any photo in one pass.",
    commands=[
        "lingon train style --data photos --style starry-night --from wave --out runs/gallery/painter",
    ],
    picture=f"{FOLDER}/painter/report.html",
    minutes=4,
)
