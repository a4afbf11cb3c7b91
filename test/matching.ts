import { expect } from 'vitest'

/** A pattern stands for each text that it matches: without this, `toMatchObject` lets any text pass where one is expected. */
expect.addEqualityTesters([
  (found: unknown, expected: unknown) =>
    expected instanceof RegExp && !(found instanceof RegExp)
      ? typeof found === 'string' && expected.test(found)
      : undefined,
])
