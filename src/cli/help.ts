import type { Command } from 'commander'
import { nearest } from '#contracts/nearest'

/** `help`, which for a verb that there is not says so, where the library would print the whole help. */
export const helpVerb = (program: Command): void => {
  program.helpCommand(false)
  program
    .command('help [verb...]')
    .description('display help for a verb')
    .action((words: readonly string[]) => {
      let verb = program
      for (const word of words) {
        const verbs = verb
          .createHelp()
          .visibleCommands(verb)
          .filter((one) => one.name() !== 'help')
        const found = verbs.find((one) => one.name() === word)
        if (!found) {
          const names = verbs.map((one) => one.name())
          const where = verb === program ? '' : ` of ${verb.name()}`
          program.error(`There is no verb ${word}${where}${names.length > 0 ? nearest(word, names) : ''}`)
        }
        verb = found
      }
      verb.help()
    })
}
