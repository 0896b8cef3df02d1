"""What does it show? Captions for pictures."""

from gallery import FOLDER, Exhibit

EXHIBIT = Exhibit(
    title="What does it show? Captions for pictures",
    text=(
        "A Transformer that attends to image patches describes scenes, in combinations that occur in no training "
        "caption. The scenes are constructed."
    ),
    commands=[
        "lingon train caption --data scenes --set filters=16 --epochs 12 --lr 0.002 --precision bfloat16 "
        "--out runs/gallery/captions",
    ],
    picture=f"{FOLDER}/captions/report.html",
    minutes=15,
)
