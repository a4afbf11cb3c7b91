/** When a signed address expires, as its own query says; undefined where it does not say that. */
export const expiryOf = ({ searchParams }: URL): Date | undefined => {
  const query = new Map([...searchParams].map(([name, value]) => [name.toLowerCase(), value]))
  for (const whose of ['x-amz', 'x-goog']) {
    const [from, seconds] = [query.get(`${whose}-date`), query.get(`${whose}-expires`)]
    if (from && seconds) return after(from, Number(seconds))
  }
  const end = query.get('se')
  const seconds = query.get('expires')
  if (end) return valid(new Date(end))
  return seconds ? valid(new Date(Number(seconds) * 1000)) : undefined
}

/** `20261128T221459Z`, and some seconds later. */
const after = (from: string, seconds: number): Date | undefined => {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(from) ?? []
  return valid(new Date(Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) + seconds * 1000))
}

const valid = (date: Date): Date | undefined => (Number.isNaN(date.getTime()) ? undefined : date)
