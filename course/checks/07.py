"""Checks, hints and solutions of lesson 07."""

import torch

from lingon.learn.exercises import Exercise


def count_numbers(vocab_size, width, kernels, channels, classes):
    embedding = vocab_size * width
    filters = sum(kernel * width * channels + channels for kernel in kernels)
    last = len(kernels) * channels * classes + classes
    return embedding + filters + last


def check_count_numbers(count_numbers):
    from lingon.models.textcnn import TextCNN

    for sizes in ((11, 2, 3, (2,), 5), (101, 3, 7, (1, 2, 3), 4)):
        vocab_size, classes, width, kernels, channels = sizes
        model = TextCNN(vocab_size, classes, width, kernels=kernels, channels=channels)
        truth = sum(p.numel() for p in model.parameters())
        found = count_numbers(vocab_size, width, list(kernels), channels, classes)
        shown = (
            f"vocab_size={vocab_size}, width={width}, kernels={list(kernels)}, channels={channels}, classes={classes}"
        )
        assert found == truth, f"With {shown} the model has {truth} parameters, your count is {found}."


def best_phrase(tokens, scores, kernel):
    start = max(range(len(scores)), key=lambda i: scores[i])
    return " ".join(tokens[start : start + kernel])


def check_best_phrase(best_phrase):
    tokens = ["what", "a", "truly", "bad", "and", "dull", "film"]
    for scores, kernel, truth in (
        ([0.1, 0.2, 2.5, 0.3, -1.0], 3, "truly bad and"),
        ([0.1, 0.7, 0.7, 0.3, 0.1, 0.2], 2, "a truly"),
        ([-3.0, -2.0, -2.5, -2.2, -9.0, -4.0, -1.5], 1, "film"),
    ):
        found = best_phrase(tokens, scores, kernel)
        assert found == truth, f"For scores {scores} and kernel {kernel} the phrase is {truth!r}, yours is {found!r}."
    short = best_phrase(["dull", "film"], [0.4], 5)
    assert short == "dull film", f"With two words and a kernel of 5 the phrase is 'dull film', yours is {short!r}."


def k_max_over_time(scores, k):
    places = scores.topk(k, dim=0).indices.sort(dim=0).values
    return scores.gather(0, places)


def check_k_max_over_time(k_max_over_time):
    scores = torch.tensor([[1.0, 9.0], [5.0, 2.0], [3.0, 4.0], [4.0, 3.0]])
    found = k_max_over_time(scores, 2)
    assert tuple(found.shape) == (2, 2), f"The shape is {tuple(found.shape)}, expected (2, 2): k rows."
    assert torch.equal(found[:, 0], torch.tensor([5.0, 4.0])), (
        f"The two highest of 1, 5, 3, 4 in text order are 5, 4; yours are {found[:, 0].tolist()}."
    )
    assert torch.equal(found[:, 1], torch.tensor([9.0, 4.0])), (
        f"The two highest of 9, 2, 4, 3 in text order are 9, 4; yours are {found[:, 1].tolist()}."
    )
    torch.manual_seed(0)
    scores = torch.randn(11, 3)
    for k in (1, 5, 11):
        slow = []
        for column in scores.T.tolist():
            kept = sorted(sorted(range(11), key=lambda i: -column[i])[:k])
            slow.append([column[i] for i in kept])
        assert torch.equal(k_max_over_time(scores, k), torch.tensor(slow).T), f"Wrong for 11 random scores and k={k}."


EXERCISES = [
    Exercise(
        "Count the parameters",
        check_count_numbers,
        (
            "One filter of kernel width h has h vectors of `width` numbers, and one bias.",
            "The last layer sees one maximum per filter: len(kernels) * channels of them, for each class.",
            "embedding + the sum over kernels of (kernel * width * channels + channels) + last layer and its biases.",
        ),
        count_numbers,
    ),
    Exercise(
        "The best phrase",
        check_best_phrase,
        (
            "First find the position of the highest score; that is where the window starts.",
            "A slice that reaches past the end of a list simply ends there, so short texts need no special case.",
            "max(range(len(scores)), key=lambda i: scores[i]) is the first position of the highest score.",
        ),
        best_phrase,
    ),
    Exercise(
        "k-max pooling",
        check_k_max_over_time,
        (
            "First find the positions of the k highest scores, then sort the positions, then look up the scores.",
            "scores.topk(k, dim=0).indices are the positions, by descending score; .sort(dim=0).values sorts them.",
            "scores.gather(0, positions) returns, for each filter, the scores at its positions.",
        ),
        k_max_over_time,
    ),
]
