"""king - man + woman: a map of words."""

from gallery import FOLDER, Exhibit

EXHIBIT = Exhibit(
    title="king - man + woman: a map of words",
    text="Word vectors trained on running text, drawn on a map with related words near each other.",
    commands=[
        "lingon train vectors --data sotu --data brown --out runs/gallery/words",
        "lingon vectors map --vectors runs/gallery/words --out runs/gallery/words.html",
    ],
    picture=f"{FOLDER}/words.html",
    minutes=3,
)
