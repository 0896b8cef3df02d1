"""The checks of the exercises: answers that are right in another way pass, shortcuts and near misses do not."""

import ast
import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lingon.learn.cells import code_cells
from lingon.learn.exercises import read_exercises
from lingon.learn.lessons import find_lesson
from lingon.learn.run_check import problem_with

RIGHT, WRONG = [], []


def right(exercise, why):
    return lambda answer: RIGHT.append(pytest.param(exercise, answer, id=f"{exercise}-{why}")) or answer


def wrong(exercise, why):
    return lambda answer: WRONG.append(pytest.param(exercise, answer, id=f"{exercise}-{why}")) or answer


def judged(number, answer):
    lesson, i = number.split(".")
    return problem_with(answer, read_exercises(find_lesson(lesson).checks)[int(i) - 1])


def of_lesson(number, *wanted):
    """Functions and classes that a lesson builds in its cells, without running the lesson."""
    nodes = [node for cell in code_cells(find_lesson(number).path) for node in ast.parse(cell).body]
    found = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in wanted]
    names = {"torch": torch, "F": F, "np": np, "math": math}
    exec(compile(ast.Module(found, []), f"lesson {number}", "exec"), names)
    return [names[name] for name in wanted]


# Right answers.

right("00.1", "numpy integer")(lambda m, k, n: np.prod([2, m, k, n]))
right("00.2", "numpy float32")(lambda *numbers: np.float32(6 * math.prod(numbers[:3]) / numbers[3] / 3600))
right("04.1", "log-sum-exp")(lambda logits: (logits - logits.logsumexp(1, keepdim=True)).exp())
right("04.1", "loop")(lambda logits: torch.stack([(r - r.max()).exp() / (r - r.max()).exp().sum() for r in logits]))
right("06.3", "tensors")(lambda a, b, c, vectors: by_multiplying(a, b, c, vectors, 1e-3))
right("10.1", "tensor")(lambda losses, counts: np.exp(np.average(losses, weights=counts)))
right("10.1", "float32")(lambda a, n: (torch.tensor(a) * torch.tensor(n)).sum().div(sum(n)).exp())
right("10.3", "numpy")(lambda p, tries: -np.expm1(tries * np.log1p(-p)))
right("10.3", "sum of the first hits")(lambda p, tries: math.fsum((p * (1 - p) ** np.arange(tries)).tolist()))


@right("03.1", "numpy integers")
def numpy_values(formula, values):
    if isinstance(formula, str):
        return np.int64(values[formula])
    if not isinstance(formula, tuple):
        return np.int64(formula)
    op, *sides = formula
    return {"+": np.add, "-": np.subtract, "*": np.multiply}[op](*(numpy_values(side, values) for side in sides))


@right("03.1", "the lesson's Tiny")
def run_as_the_lesson(formula, values):
    Tiny, run = of_lesson("03", "Tiny", "run")
    if isinstance(formula, tuple) and formula[0] == "-":
        return run_as_the_lesson(formula[1], values) - run_as_the_lesson(formula[2], values)
    if isinstance(formula, tuple):
        return run(Tiny(formula[0], *(run_as_the_lesson(side, values) for side in formula[1:])), {})
    return run(Tiny(formula), values) if isinstance(formula, str) else formula


@right("03.2", "numpy sums")
def peak_by_numpy(lives):
    if not lives:
        return np.int64(0)
    sizes, born, dies = np.array(lives).T
    steps = np.arange(dies.max() + 1)[:, None]
    return (((born <= steps) & (steps <= dies)) * sizes).sum(1).max()


@right("03.3", "numpy integer")
def distinct_by_numpy(nodes):
    written = []
    for op, inputs in nodes:
        written.append(f"{op}({', '.join(written[i] for i in inputs)})")
    return np.int64(len(np.unique(written)))


@right("04.2", "the lesson's softmax")
def gradient_by_lesson(x, W, b, labels):
    (softmax,) = of_lesson("04", "softmax")
    believed = softmax(x @ W.T + b)
    believed[range(len(labels)), labels] -= 1
    return [believed.T @ x / len(x), believed.mean(0)]


@right("05.1", "sample, in blocks")
def folds_in_blocks(n, k, seed):
    import random

    blocks = np.array_split(random.Random(seed).sample(range(n), n), k)
    return [(np.setdiff1d(np.arange(n), block), block) for block in blocks]


@right("05.2", "the lesson's least squares")
def ridge_by_lesson(X, y, decay):
    (least_squares,) = of_lesson("05", "least_squares")
    rows = torch.eye(X.shape[1], dtype=X.dtype) * math.sqrt(len(y) * decay)
    return least_squares(torch.cat([X, rows]), torch.cat([y, torch.zeros(len(rows), dtype=y.dtype)]))


@right("08.2", "as PyTorch clips")
def clipped_by_torch(gradients, longest):
    factor = longest / (torch.stack([g.norm() for g in gradients]).norm() + 1e-6)
    return [g * factor.clamp(max=1) for g in gradients]


@right("09.3", "the lesson's masked softmax")
def attention_by_lesson(q, k, v, mask):
    (masked_softmax,) = of_lesson("09", "masked_softmax")
    return masked_softmax(q @ k.transpose(1, 2) / math.sqrt(k.shape[2]), mask) @ v


@right("09.3", "a large negative score")
def attention_by_a_number(q, k, v, mask):
    scores = torch.einsum("bsd,btd->bst", q, k) / math.sqrt(k.shape[2])
    return torch.where(mask[:, None], scores, torch.finfo(scores.dtype).min).softmax(2) @ v


@right("11.2", "the lesson's attention")
def handicap_in_the_product(q, k, v, slopes):
    (attention,) = of_lesson("11", "attention")
    H, T, K = q.shape
    places = torch.arange(T).float().expand(H, T)  # a distance as a product: (t, 1) . (-slope, slope s)
    more_q = torch.stack([places, torch.ones(H, T)], 2) * (K + 2) ** 0.5
    more_k = torch.stack([-slopes[:, None].expand(H, T), slopes[:, None] * places], 2)
    q = torch.cat([q * ((K + 2) / K) ** 0.5, more_q], 2)
    return attention(q, torch.cat([k, more_k], 2), v, torch.ones(T, T, dtype=torch.bool).tril())[0]


@right("11.3", "the lesson's attention")
def step_by_lesson(q, k, v, keys, values):
    (attention,) = of_lesson("11", "attention")
    keys, values = torch.cat([keys, k[:, None]], 1), torch.cat([values, v[:, None]], 1)
    return attention(q[:, None], keys, values)[0][:, 0], keys, values


@right("12.1", "to and fro")
def whole_words_by_spreading(pieces, chosen):
    found = set(chosen)
    for i in [*range(1, len(pieces)), *reversed(range(1, len(pieces)))]:
        if pieces[i].startswith("##") and found & {i - 1, i}:
            found |= {i - 1, i}
    return found


@right("12.2", "numpy")
def sense_by_numpy(vector, vectors, senses):
    cosines = (vectors @ vector).numpy() / np.linalg.norm(vectors.numpy(), axis=1)  # the length of `vector` is shared
    return np.array(max(senses, key=lambda sense: cosines[np.array(senses) == sense].mean()))[()]


@right("13.3", "closed form")
def words_in_closed_form(keep, ahead):
    return np.float64(ahead + 1) if keep == 1 else (1 - keep ** (ahead + 1)) / (1 - keep)


@right("14.1", "numpy's order")
def apart_by_numpy(spans, count):
    free, taken = np.ones(100, bool), []
    for i in np.argsort([-score for _, _, score in spans], kind="stable"):
        first, last, score = spans[i]
        if free[first : last + 1].all():
            free[first : last + 1] = False
            taken.append((first, last, score))
    return taken[:count]


@right("14.2", "one by one")
def windows_by_counting(tokens, room, overlap):
    return 1 if tokens <= room else 1 + windows_by_counting(tokens - room + overlap, room, overlap)


@right("14.3", "between the differences")
def threshold_between(differences, values, empty):
    order = sorted(set(differences))
    middles = [order[0] - 1, *((a + b) / 2 for a, b in itertools.pairwise(order)), order[-1] + 1]
    worth = lambda t: sum(
        float(none) if d > t else value for d, value, none in zip(differences, values, empty, strict=True)
    )
    return np.float64(max(middles, key=worth))


# Wrong answers.

wrong("00.1", "one addition less")(lambda m, k, n: m * n * (2 * k - 1))
wrong("03.3", "operators")(lambda nodes: len({op for op, _ in nodes}))
wrong("03.3", "inputs as they are")(lambda nodes: len(set(nodes)))
wrong("04.1", "the lesson's own")(lambda logits: of_lesson("04", "softmax")[0](logits))
wrong("04.1", "clamped")(lambda logits: of_lesson("04", "softmax")[0](logits.clamp(-80, 80)))
wrong("04.1", "method")(lambda logits: logits.softmax(1))
wrong("04.1", "function")(lambda logits: F.softmax(logits, dim=1))
wrong("04.1", "module")(lambda logits: torch.nn.Softmax(1)(logits))
wrong("04.1", "log softmax")(lambda logits: torch.log_softmax(logits, 1).exp())
wrong("04.1", "special")(lambda logits: torch.special.softmax(logits, 1))
wrong("04.1", "softmin")(lambda logits: F.softmin(-logits, dim=1))
wrong("05.1", "rotated")(lambda n, k, seed: dealt([(i + seed) % n for i in range(n)], k))
wrong("05.1", "odd and even")(lambda n, k, seed: dealt(sorted(range(n), key=lambda i: (i % 2 == seed % 2, i)), k))
wrong("06.3", "without epsilon")(lambda a, b, c, vectors: by_multiplying(a, b, c, vectors, 0.0))
wrong("06.3", "a large epsilon")(lambda a, b, c, vectors: by_multiplying(a, b, c, vectors, 1e-2))
wrong("06.3", "a small epsilon")(lambda a, b, c, vectors: by_multiplying(a, b, c, vectors, 1e-4))
wrong("06.2", "the smallest cosine of all")(lambda words, vectors: by_worst_pair(words, vectors))
wrong("08.2", "sum without squares")(lambda g, longest: scaled(g, longest, sum(x.sum().item() for x in g) ** 0.5))
wrong("08.2", "root of the sum of sizes")(lambda g, most: scaled(g, most, sum(x.abs().sum().item() for x in g) ** 0.5))
wrong("08.2", "one norm each")(lambda g, longest: [scaled([x], longest, x.norm().item())[0] for x in g])
wrong("10.1", "mean of means")(lambda losses, counts: math.exp(sum(losses) / len(losses)))
wrong("10.3", "as it stands")(lambda p, tries: 1 - (1 - p) ** tries)
wrong("10.3", "times")(lambda p, tries: p * tries)
for bound in (1e-16, 1e-12, 1e-9, 1e-6):
    wrong("10.3", f"by threshold {bound:g}")(
        lambda p, tries, bound=bound: p * tries if p < bound else 1 - (1 - p) ** tries
    )
wrong("10.3", "by two terms")(lambda p, n: n * p - n * (n - 1) / 2 * p * p if p < 1e-8 else 1 - (1 - p) ** n)
wrong("12.1", "only what goes on")(lambda pieces, chosen: chosen | {i + 1 for i in chosen if goes_on(pieces, i + 1)})
wrong("12.1", "as chosen")(lambda pieces, chosen: chosen)
wrong("12.2", "dot products")(lambda v, rows, senses: by_mean(rows @ v, senses))
wrong("12.2", "the closest")(lambda v, rows, senses: senses[int(F.cosine_similarity(rows, v, dim=1).argmax())])
wrong("12.3", "ranks from 0")(lambda rankings, k: by_ranks(rankings, lambda rank: 1 / (k + rank - 1 + 1e-9)))
wrong("12.3", "sum of ranks")(lambda rankings, k: by_ranks(rankings, lambda rank: -rank))
wrong("13.1", "each above p")(lambda chances, p: {i for i, chance in enumerate(chances) if chance >= p})
wrong("13.2", "by the penalty of now")(lambda best, found, alpha, most: best > found)
wrong("13.3", "each by itself")(lambda keep, ahead: 1 + keep * ahead)
wrong("14.1", "the highest scores")(lambda spans, count: sorted(spans, key=lambda span: -span[2])[:count])
wrong("14.2", "without overlap")(lambda tokens, room, overlap: -(-tokens // room))
wrong("14.2", "one too many")(lambda tokens, room, overlap: 1 + tokens // (room - overlap))
wrong("14.3", "whichever is likelier")(lambda differences, values, empty: 0.0)
wrong("14.3", "as many as are empty")(lambda differences, values, empty: sorted(differences)[-sum(empty) - 1 :][0])


@wrong("04.2", "autograd.grad")
def gradient_by_grad(x, W, b, labels):
    W, b = W.clone().requires_grad_(), b.clone().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(x @ W.T + b, labels), [W, b])


@wrong("04.2", "backward")
def gradient_by_backward(x, W, b, labels):
    W, b = W.clone().requires_grad_(), b.clone().requires_grad_()
    F.cross_entropy(x @ W.T + b, labels).backward()
    return W.grad, b.grad


@wrong("04.2", "autograd.backward")
def gradient_by_autograd_backward(x, W, b, labels):
    layer = torch.nn.Linear(*W.T.shape)
    layer.weight.data, layer.bias.data = W.clone(), b.clone()
    torch.autograd.backward(F.cross_entropy(layer(x), labels))
    return layer.weight.grad, layer.bias.grad


@wrong("04.2", "func.grad")
def gradient_by_transform(x, W, b, labels):
    return torch.func.grad(lambda W, b: F.cross_entropy(x @ W.T + b, labels), argnums=(0, 1))(W, b)


@wrong("09.3", "a score that is not low enough")
def attention_with_a_small_number(q, k, v, mask):
    scores = q @ k.transpose(1, 2) / math.sqrt(k.shape[2])
    return (scores - 1e4 * ~mask[:, None]).softmax(2) @ v


def goes_on(pieces, i):
    return i < len(pieces) and pieces[i].startswith("##")


def by_mean(numbers, senses):
    return max(senses, key=lambda sense: numbers[[s == sense for s in senses]].mean())


def by_ranks(rankings, worth):
    sums = {}
    for ranking in rankings:
        for rank, document in enumerate(ranking, 1):
            sums[document] = sums.get(document, 0) + worth(rank)
    return sorted(sums, key=lambda document: (-sums[document], document))


def by_multiplying(a, b, c, vectors, epsilon):
    s = lambda x, y: (vectors[x] @ vectors[y] + 1) / 2
    return max((d for d in vectors if d not in (a, b, c)), key=lambda d: s(d, b) * s(d, c) / (s(d, a) + epsilon))


def by_worst_pair(words, vectors):
    cosine = lambda a, b: F.cosine_similarity(vectors[a], vectors[b], dim=0).item()
    return min(words, key=lambda word: min(cosine(word, other) for other in words if other != word))


def dealt(places, k):
    return [([p for p in places if p not in places[i::k]], places[i::k]) for i in range(k)]


def scaled(gradients, longest, norm):
    return [g * min(1.0, longest / norm) if norm else g for g in gradients]


@pytest.mark.parametrize(("exercise", "answer"), RIGHT)
def test_a_right_answer_of_another_make_passes(exercise, answer):
    assert judged(exercise, answer) == ""


@pytest.mark.parametrize(("exercise", "answer"), WRONG)
def test_a_shortcut_or_a_near_miss_fails_in_words(exercise, answer):
    problem = judged(exercise, answer)
    assert problem
    assert "\n" not in problem
