// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is taken out.
const colour = /\u001b\[[\d;?]*[A-Za-z]/g

export const withoutColour = (line: string): string => line.replaceAll(colour, '')

/** A line without anything that a terminal would act on. */
export const plain = (line: string): string =>
  withoutColour(line)
    .replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .trimEnd()
