/** A letter, an address, and what lies there is called. */
export type Screen = readonly [letter: string, to: string, screen: string]

/** Where `g` and a letter lead: the screens. */
export const screens: readonly Screen[] = [
  ['p', '/', 'Pipelines'],
  ['r', '/runs', 'Runs'],
  ['a', '/artifacts', 'Artifacts'],
  ['h', '/hosts', 'Hosts'],
]

/** The screens of a portal, where there is one. */
export const portalScreens: readonly Screen[] = [
  ['e', '/experiments', 'Experiments'],
  ['i', '/inbox', 'Inbox'],
  ['s', '/sites', 'Sites'],
]

/** What each key does. */
export const keyLines = (shown: readonly Screen[]): readonly (readonly [string, string])[] => [
  ...shown.map(([key, , screen]) => [`g ${key}`, screen.toLowerCase()] as const),
  ['/', 'search'],
  ['f', 'follow the log, or stop'],
  ['Tab, Enter', 'to the next control, and use it'],
  ['Esc', 'closes what is open'],
  ['?', 'these keys'],
]

/** How long after `g` the second letter may come, in milliseconds. */
export const patience = 1_500
