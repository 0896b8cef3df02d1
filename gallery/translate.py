"""Two dogs play by a tree, in German."""

from gallery import FOLDER, Exhibit

EXHIBIT = Exhibit(
    title="Two dogs play by a tree, in German",
    text="A Transformer trained on sentences from Tatoeba translates, and shows the alignment of the words.",
    commands=[
        "lingon train translate --data tatoeba-de --out runs/gallery/translate",
        "lingon translate runs/gallery/translate 'Two dogs play by a tree.' --page runs/gallery/translate.html",
    ],
    picture=f"{FOLDER}/translate.html",
    minutes=60,
)
