"""The same sentence, happily."""

from gallery import FOLDER, Exhibit

EXHIBIT = Exhibit(
    title="The same sentence, happily",
    text="Sentences from film reviews, rewritten in the opposite sentiment with the same content (Li et al. 2018).",
    commands=[
        "lingon train rewrite --data rotten-tomatoes --out runs/gallery/rewrite",
    ],
    picture=f"{FOLDER}/rewrite/report.html",
    minutes=15,
)
