"""What the sample program of an exported classifier does with its logits."""

ANSWER_CODE = """\
odds = np.exp((logits[0] - logits[0].max()) / config["targets"]["temperature"])
best = int(odds.argmax())
print(config["labels"][best], f"{odds[best] / odds.sum():.4f}")"""
