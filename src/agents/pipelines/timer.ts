/** Begins to count; each call says for how many milliseconds, whatever the clock does meanwhile. */
export const timer = (): (() => number) => {
  const began = performance.now()
  return () => Math.round(performance.now() - began)
}
