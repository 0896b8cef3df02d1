"""What is it? Images of clothes and where the network looks."""

from gallery import FOLDER, Exhibit

EXHIBIT = Exhibit(
    title="What is it? Images of clothes and where the network looks",
    text=(
        "A small residual network tells ten kinds of clothes apart (Fashion-MNIST). The report shows what it "
        "is surest and most wrong about, and which pixels decided."
    ),
    commands=[
        "lingon train classify --data fashion-mnist --out runs/gallery/clothes",
    ],
    picture=f"{FOLDER}/clothes/report.html",
    minutes=6,
)
