import { stringify, type Tags } from 'yaml'

/** YAML 1.2 that readers of 1.1 understand alike, PyYAML among them: what they would take for something else is quoted. */
export const toYaml = (metadata: unknown): string =>
  stringify(metadata, {
    aliasDuplicateObjects: false,
    compat: 'yaml-1.1',
    customTags: (tags): Tags => [exponential, unprintable, ...tags],
    lineWidth: 0,
  })

const never = /(?!)/
/** To PyYAML, 1e-7 is a text and 1.0e-7 a number. */
const exponential = {
  identify: (given: unknown) => typeof given === 'number' && /^-?\de/.test(String(given)),
  default: true as const,
  tag: 'tag:yaml.org,2002:float',
  test: never,
  resolve: Number,
  stringify: ({ value }: { value?: unknown }) => String(value).replace('e', '.0e'),
}
/**
 * PyYAML refuses some characters, takes others for the end of a line, and a lone = for a value of its own. A text that
 * ends a line may end the front matter too, and would lose that to the fence.
 */
const special = /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g
const misread = /[\t\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|\n$|^=$/
const unprintable = {
  identify: (given: unknown) => typeof given === 'string' && misread.test(given),
  default: true as const,
  tag: 'tag:yaml.org,2002:str',
  test: never,
  resolve: String,
  stringify: ({ value }: { value?: unknown }) =>
    JSON.stringify(value).replace(special, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`),
}
