/** How long a program has to end by itself once it is told to, in seconds; then it is killed. */
export const graceSeconds = 5

/** What a machine says of a program that it could not begin, with the exit codes that shells use for it. */
export const notBegun = {
  noFolder: { code: 126, words: 'millrace: no such folder' },
  noProgram: { code: 127, words: 'millrace: no such program' },
} as const

/**
 * Runs a program in place of this shell, and beside it one that watches it. As soon as the standard input ends (it is closed on
 * purpose, the process that held it died, or the connection broke) the watcher tells the program's whole group to end, and kills
 * who is left. The watcher is in that group, so that the number of the group can't come to mean another one; and it is nobody's
 * child, so that no program waits for it. Where the program has ended before, only what it left behind is killed. It holds
 * nothing of the output: that ends with the program.
 */
const script = `
exec 3<&0 </dev/null
( (
  trap '' TERM INT HUP
  exec >/dev/null 2>&1
  cat <&3
  if kill -0 $$; then
    kill -s TERM -- -$$ || kill -s TERM $$
    left=$1
    while [ "$left" -gt 0 ] && kill -0 $$; do sleep 1; left=$((left - 1)); done
  fi
  kill -s KILL -- -$$ || kill -s KILL $$
) & )
exec 3<&-
cd -- "$2" 2>/dev/null || { echo '${notBegun.noFolder.words}' >&2; exit ${notBegun.noFolder.code}; }
shift 2
command -v -- "$1" >/dev/null || { echo '${notBegun.noProgram.words}' >&2; exit ${notBegun.noProgram.code}; }
exec "$@"
`

/**
 * What to run in place of a program, in a session or group of its own, so that it ends with whoever holds its standard input.
 * Needs a POSIX `sh` and nothing else. The program itself reads from `/dev/null`; its exit code, and the signal that killed it,
 * are those of what is run.
 */
export const launched = (program: readonly [string, ...string[]], folder: string): readonly [string, ...string[]] => [
  'sh',
  '-c',
  script,
  'millrace',
  String(graceSeconds),
  folder,
  ...program,
]
