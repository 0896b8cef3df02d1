/** The cosine of the angle between two vectors, 1 where they point the same way. */
export function cosine(a, b) {
  const dot = (x, y) => x.reduce((sum, _, i) => sum + x[i] * y[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
