"""The scores of each class as a table for a terminal."""

from lingon.core.counted import counted
from lingon.core.errors import one_of
from lingon.core.terminal_columns import columns_of, padded

MOST_CLASSES = 30  # maximum lines of the table
LONGEST = 24  # maximum columns of a label


def class_lines(classes: dict[str, dict[str, float]], weighted: bool = True) -> list[str]:
    """Return lines with precision, recall, F1 and support of each label, and the labels that were never predicted.

    weighted: the task supports class weights, which are then suggested for labels that were never predicted.
    """
    most = sorted(classes, key=lambda label: -classes[label]["support"])[:MOST_CLASSES]
    width = max(5, *(columns_of(label, LONGEST) for label in most))
    lines = [f"  {'label':{width}}  precision  recall      f1  support"]
    for label in (label for label in classes if label in set(most)):
        of, name = classes[label], padded(label, width, LONGEST)
        lines.append(f"  {name}  {of['precision']:9.4f}  {of['recall']:6.4f}  {of['f1']:6.4f}  {of['support']:7,}")
    if len(classes) > len(most):
        lines.append(f"  ... and {counted(len(classes) - len(most), 'label')} with fewer examples")
    never = [label for label, of in classes.items() if not of["predicted"] and of["support"]]
    if never:
        help = "more examples of it, or --class-weights balanced, help" if weighted else "more examples of it help"
        lines.append(f"never predicted: {one_of(map(repr, never))}; {help}")
    return lines
