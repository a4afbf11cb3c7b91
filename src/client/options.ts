import { Fault } from '#bus/fault'
import { nearest } from '#contracts/nearest'

/**
 * What a function was told, as it was told it; a fault where it knows no option of a name, as a misspelt one would seem to be
 * heard. What is only handed on is held against its contract by whoever gets it.
 */
export const knownOptions =
  <Options extends object>(what: string, names: Readonly<Record<keyof Options, true>>) =>
  (given: Options): Options => {
    const known = Object.keys(names)
    const [unknown] = Object.keys(given).filter((name) => !known.includes(name))
    if (unknown === undefined) return given
    throw new Fault('contract.option', `${what} has no option '${unknown}'${nearest(unknown, known)}`)
  }
