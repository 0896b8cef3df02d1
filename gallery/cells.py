"""Where is it? Blood cells with a box around each."""

from gallery import FOLDER, Exhibit

EXHIBIT = Exhibit(
    title="Where is it? Blood cells with a box around each",
    text="An anchor-free detector finds red cells, white cells and platelets in new photographs (BCCD).",
    commands=[
        "lingon train detect --data bccd --flip both --precision bfloat16 --out runs/gallery/cells",
    ],
    picture=f"{FOLDER}/cells/report.html",
    minutes=5,
)
