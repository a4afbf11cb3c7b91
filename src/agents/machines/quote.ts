/**
 * An argument as a POSIX shell reads it back, whatever is in it: within single quotes nothing has a meaning but the single quote.
 * The one place where words become a command line; rejects only what no program can be given.
 */
export const quoted = (argument: string): string => {
  if (argument.includes('\0')) throw new TypeError('An argument with a NUL character in it can be given to no program')
  return `'${argument.replaceAll("'", `'\\''`)}'`
}

/** An argument as people type it: quoted where a shell would take it apart. */
export const typed = (argument: string): string => (/^[\w@%+=:,./-]+$/.test(argument) ? argument : quoted(argument))

/** A whole command line for the shell of another machine. It begins with `exec`, so that no shell stays between. */
export const commandLine = (words: readonly string[]): string => `exec ${words.map(quoted).join(' ')}`

/** A command as rsync's `--rsh` takes it apart: at spaces, where a quote that stands twice within quotes is one. */
export const remoteShell = (words: readonly string[]): string =>
  words.map((word) => `'${word.replaceAll("'", "''")}'`).join(' ')
