import { expect, test } from 'vitest'
import { nearest } from '#contracts/nearest'

test('two neighbouring letters that were swapped are one step, and a word that begins alike comes first', () => {
  expect(nearest('wacth', ['path', 'watch'])).toBe("; did you mean 'watch'?")
  expect(nearest('tarin', ['main', 'train'])).toBe("; did you mean 'train'?")
  expect(nearest('rut', ['cut', 'run'])).toBe("; did you mean 'run'?")
  expect(nearest('elsewhere', ['path', 'watch'])).toBe('; known are path, watch')
})
