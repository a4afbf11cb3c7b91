import { Argument, type Command } from 'commander'
import { candidatesFor } from './complete.ts'
import { fail } from './exit.ts'
import { print } from './print.ts'

const shells = ['bash', 'zsh', 'fish'] as const

/** How long completing may take in all, in milliseconds: somebody waits with a finger on the key. */
const answeredWithin = 900

/** `completion`, which prints a script for a shell, and the hidden verb that this script asks. */
export const completionVerb = (program: Command): void => {
  program
    .command('completion')
    .addArgument(new Argument('<shell>').choices(shells))
    .description('print a script that completes verbs, options and names in a shell')
    .addHelpText(
      'after',
      '\nExamples:\n  echo \'eval "$(millrace completion bash)"\' >> ~/.bashrc\n  echo \'eval "$(millrace completion zsh)"\' >> ~/.zshrc\n  millrace completion fish > ~/.config/fish/completions/millrace.fish',
    )
    .action((shell: (typeof shells)[number]) => print(scripts[shell]))

  program
    .command('complete', { hidden: true })
    .argument('[words...]', 'the words of the command line so far, the last one unfinished, behind --')
    .action(async (words: readonly string[]) => {
      // Whatever is not known by then is not offered.
      setTimeout(() => process.exit(), Math.max(50, answeredWithin - process.uptime() * 1000))
      const found = await candidatesFor(program, words).catch((cause: unknown) =>
        process.env.MILLRACE_DEBUG ? fail(cause) : [],
      )
      for (const { name, about } of found) print(about ? `${name}\t${about}` : name)
    })
}

/** Where there is a \`timeout\`, it ends a machine that is too slow to begin in time. */
const bash = `_millrace() {
  local limit="" name about
  command -v timeout >/dev/null 2>&1 && limit="timeout 1"
  COMPREPLY=()
  while IFS=$'\\t' read -r name about; do
    [ -n "$name" ] && COMPREPLY+=("$name")
  done < <($limit "\${COMP_WORDS[0]/#\\~/$HOME}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _millrace millrace`

const zsh = `#compdef millrace
_millrace() {
  local -a limit found
  local line
  (( $+commands[timeout] )) && limit=(timeout 1)
  for line in "\${(@f)$($limit \${~words[1]} complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( $#found )); then _describe -t names millrace found; else _files; fi
}
compdef _millrace millrace`

const fish = `function __millrace_complete
  set -l words (commandline -opc)
  set -l program $words[1]
  set -e words[1]
  set -l current (commandline -ct)
  set -l limit
  command -q timeout; and set limit timeout 1
  set -l found ($limit $program complete -- $words "$current" 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path "$current"
  end
end
complete -c millrace -f -a '(__millrace_complete)'`

const scripts = { bash, zsh, fish } as const
