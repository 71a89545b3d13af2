/** A copy of twice the length, the rest zeros. */
export function larger<T extends Int32Array | Float64Array>(array: T): T {
  const copy = array instanceof Int32Array ? new Int32Array(array.length * 2) : new Float64Array(array.length * 2)
  copy.set(array)
  return copy as T
}
