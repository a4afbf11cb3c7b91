/** Characters that a terminal or a list would act on rather than show, and what stands for bytes that are no text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const odd = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffd]/

/** How long a part of a path and the whole may be, in bytes. */
const [longestPart, longestPath] = [255, 2_000]

/** Why a path can't be that of a result; undefined where it can. It is one that stays inside its folder, whoever reads it. */
export const resultPath = (path: string): string | undefined => {
  if (path === '') return 'its name is empty'
  if (path.startsWith('/')) return 'its path is absolute'
  if (odd.test(path)) return 'its name holds control characters, or bytes that are no text'
  if (Buffer.byteLength(path) > longestPath) return `its path is longer than ${longestPath} bytes`
  for (const part of path.split('/')) {
    if (part === '..' || part === '.' || part === '') return `its path holds '${part}' as a part`
    if (Buffer.byteLength(part) > longestPart) return `a part of its path is longer than ${longestPart} bytes`
  }
  return undefined
}
