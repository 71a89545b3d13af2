/**
 * Probabilities at another temperature: p^(1/T), made to sum to what they summed to together with the rest. Only those that are known are raised;
 * where a rest is left out, its share stays as it was.
 */
export function heated(probabilities: readonly number[], temperature: number): number[] {
  const known = probabilities.reduce((a, b) => a + b, 0)
  if (probabilities.length === 0 || known === 0) return [...probabilities]
  if (temperature <= 0) {
    const best = probabilities.indexOf(Math.max(...probabilities))
    return probabilities.map((_, i) => (i === best ? 1 : 0))
  }
  const raised = probabilities.map((p) => (p > 0 ? Math.exp(Math.log(p) / temperature) : 0))
  const sum = raised.reduce((a, b) => a + b, 0)
  return raised.map((p) => (known * p) / sum)
}
