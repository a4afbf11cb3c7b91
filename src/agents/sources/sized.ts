const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']

/** Bytes for people: 1536 is 1.5 KiB. */
export const sized = (bytes: number): string => {
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)))
  return `${Number((bytes / 1024 ** power).toFixed(1))} ${units[power]}`
}
