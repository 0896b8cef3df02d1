"""The same sentence, happily."""

from gallery import FOLDER, Exhibit

EXHIBIT = Exhibit(
    title="The same sentence, happily",
    text="Sentences of film reviews in the other sentiment, their content kept (Li et al. 2018).",
    commands=[
        "lingon train rewrite --data rotten-tomatoes --out runs/gallery/rewrite",
    ],
    picture=f"{FOLDER}/rewrite/report.html",
    minutes=15,
)
