/**
 * Generalised advantage estimation (Schulman et al., 2016): from rewards and a critic's values of every token to what each token was worth more than
 * expected.
 *   δ_t = r_t + γ·V_{t+1} − V_t;  A_t = δ_t + γλ·A_{t+1};  return_t = A_t + V_t
 * An answer ends its episode, also where it was cut off: nothing is expected after it.
 */
export function estimateAdvantages(
  rewards: ArrayLike<number>,
  values: ArrayLike<number>,
  { gamma, lambda }: { gamma: number; lambda: number },
): { advantages: Float32Array; returns: Float32Array } {
  const n = rewards.length
  const advantages = new Float32Array(n)
  const returns = new Float32Array(n)
  let [next, later] = [0, 0] // V_{t+1}, A_{t+1}
  for (let t = n - 1; t >= 0; t--) {
    const delta = rewards[t]! + gamma * next - values[t]!
    later = delta + gamma * lambda * later
    next = values[t]!
    advantages[t] = later
    returns[t] = later + values[t]!
  }
  return { advantages, returns }
}
