import { type Command, Option } from 'commander'
import { ask } from '#bus/command'
import { experimentListsOf } from '#client/experiment-lists'
import { addressOfPerson, occasions, type Preferences, preferences } from '#contracts/notification'
import { printOne } from './print.ts'
import { inSession, type SessionOptions, withSession } from './session.ts'
import { printAnswer } from './words.ts'

type Options = SessionOptions & {
  readonly mail?: string | false
  readonly webhook?: string | false
  readonly when?: Preferences['occasions']
}

/** The verb that says what whoever asks is told, and where. */
export const experimentPreferences = (experiment: Command): void => {
  withSession(experiment.command('preferences'))
    .description('say what you are told of experiments and where; with options, have it otherwise')
    .option('--mail <address>', 'where mail is sent to')
    .option('--no-mail', 'send no mail')
    .option('--webhook <url>', 'what is posted to')
    .option('--no-webhook', 'post nothing')
    .addOption(new Option('--when <occasion...>', 'when; step: at every step').choices(occasions))
    .addHelpText(
      'after',
      '\nWhat is left out stays as it is; without an address nothing is sent.\n\nExamples:\n  millrace experiment preferences --as carol\n  millrace experiment preferences --mail carol@example.org --when failed finished --as carol',
    )
    .action(({ mail, webhook, when, ...options }: Options) =>
      inSession(options, async ({ bus, json }) => {
        const { name, roles, projects, preferences: before } = await experimentListsOf(bus).me()
        const now = before ?? preferences.parse({})
        if ([mail, webhook, when].every((one) => one === undefined)) {
          const { mail = '', webhook = '', occasions: when } = now
          return printOne(json ? { name, roles, projects, ...now } : { mail, webhook, when: when.join(', ') }, json)
        }
        const other = { mail: mail ?? now.mail, webhook: webhook ?? now.webhook }
        const said = Object.fromEntries(Object.entries(other).filter(([, one]) => one !== false && one !== undefined))
        const data = { ...said, occasions: when ?? now.occasions }
        printAnswer(
          await ask(bus, { address: addressOfPerson(bus.principal), type: 'person.set-preferences', data }),
          json,
        )
      }),
    )
}
