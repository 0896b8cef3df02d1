"""What does it show? Pictures in words."""

from gallery import FOLDER, Exhibit

EXHIBIT = Exhibit(
    title="What does it show? Pictures in words",
    text=(
        "A Transformer with attention over places says what scenes show, in combinations that no training "
        "caption has. The scenes are constructed."
    ),
    commands=[
        "lingon train caption --data scenes --set filters=16 --epochs 12 --lr 0.002 --precision bfloat16 "
        "--out runs/gallery/captions",
    ],
    picture=f"{FOLDER}/captions/report.html",
    minutes=15,
)
