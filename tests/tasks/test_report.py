"""The report of a classifier with many labels."""

from lingon.tasks.classify.report_tables import confusion, worst_pairs


def test_many_labels_stand_in_the_order_of_their_texts_and_the_worst_pairs_are_listed():
    labels = [f"label {i}" for i in range(60)]
    matrix = [[(i + 1) * (i == j) for j in range(60)] for i in range(60)]
    matrix[3][7], matrix[50][2], matrix[51][2] = 5, 9, 9
    found = confusion(matrix, labels)
    assert len(found["labels"]) == 60
    assert found["labels"][:3] == ["label 51", "label 50", "label 59"]
    assert found["confusion"][0][1][0] == (52, 52 / 61)
    assert found["worst_pairs"] == [
        ("label 50", "label 2", 9, 60),
        ("label 51", "label 2", 9, 61),
        ("label 3", "label 7", 5, 9),
    ]
    assert worst_pairs(matrix, labels) == found["worst_pairs"]


def test_few_labels_stay_in_their_order():
    found = confusion([[1, 2], [3, 40]], ["a", "b"])
    assert found["labels"] == ["a", "b"]
    assert found["worst_pairs"] == []
