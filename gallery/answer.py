"""Which city? An answer in a passage."""

from gallery import FOLDER, Exhibit

EXHIBIT = Exhibit(
    title="Which city? An answer in a passage",
    text="An encoder, trained on questions about articles and reviews, marks the answer in a passage (XQuAD).",
    commands=[
        "lingon train answer --data squadshifts --test xquad --from minilm-l6 --epochs 1 --out runs/gallery/answer",
    ],
    picture=f"{FOLDER}/answer/report.html",
    minutes=40,
)
