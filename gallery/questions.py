"""What color is the shape? Questions about a picture."""

from gallery import FOLDER, Exhibit

EXHIBIT = Exhibit(
    title="What color is the shape? Questions about a picture",
    text="A model reads a picture and a question, and its attention shows where it found the answer (easy-VQA).",
    commands=[
        "lingon train vqa --data easy-vqa --out runs/gallery/questions",
    ],
    picture=f"{FOLDER}/questions/report.html",
    minutes=3,
)
