"""What is it? Images of clothes, and which pixels matter."""

from gallery import FOLDER, Exhibit

EXHIBIT = Exhibit(
    title="What is it? Images of clothes, and which pixels matter",
    text=(
        "A small residual network distinguishes ten kinds of clothes (Fashion-MNIST). The report shows its most "
        "confident correct predictions and errors, and which pixels were decisive."
    ),
    commands=[
        "lingon train classify --data fashion-mnist --out runs/gallery/clothes",
    ],
    picture=f"{FOLDER}/clothes/report.html",
    minutes=6,
)
