/** Where `g` and a letter lead: the screens. */
export const screens = [
  ['p', '/', 'Pipelines'],
  ['r', '/runs', 'Runs'],
  ['a', '/artifacts', 'Artifacts'],
  ['h', '/hosts', 'Hosts'],
] as const

/** What each key does. */
export const keyLines: readonly (readonly [string, string])[] = [
  ...screens.map(([key, , screen]) => [`g ${key}`, screen.toLowerCase()] as const),
  ['/', 'search in the log'],
  ['f', 'follow the log, or stop'],
  ['Tab, Enter', 'to the next control, and use it'],
  ['Esc', 'closes what is open'],
  ['?', 'these keys'],
]

/** How long after `g` the second letter may come, in milliseconds. */
export const patience = 1_500
