/** The oldest server that does what is needed: batches 2.12, schedules 2.14. */
export const serverFloor = '2.14.0'

/** Whether one version comes before another. */
export const isOlder = (found: string, required: string): boolean => {
  const parts = (version: string) => version.replace(/^v/, '').split(/[.-]/).slice(0, 3).map(Number)
  const [a, b] = [parts(found), parts(required)]
  for (let i = 0; i < 3; i++) if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) < (b[i] ?? 0)
  return false
}
