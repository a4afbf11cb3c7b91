import { type Command, Option } from 'commander'
import { Fault } from '#bus/fault'
import type { Client } from '#client/client'
import { nodeIn, partIn, stepIn, withExperiment } from './experiment-words.ts'
import { print } from './print.ts'
import { inSession, type Session, type SessionOptions } from './session.ts'
import { printAnswer, reason } from './words.ts'

type Answer = ReturnType<Client['experiments']['order']>
type Reasoned = SessionOptions & { readonly reason?: string }
type AtSites = SessionOptions & { readonly site?: readonly string[] }

const several = (text: string, before: readonly string[] = []): readonly string[] => [...before, text]

const withSites = (command: Command): Command =>
  command.addOption(new Option('--site <name>', 'only at this site; may be given several times').argParser(several))

/** Verbs that move an experiment on, or back. */
export const experimentOrders = (experiment: Command): void => {
  const order = <Options extends SessionOptions>(
    command: Command,
    description: string,
    example: string,
    ask: (session: Session, id: string, options: Options) => Answer | Promise<Awaited<Answer>>,
    follow?: (id: string, isNew: boolean) => string,
  ): void => {
    command
      .description(description)
      .addHelpText('after', `\nExample:\n  millrace experiment ${example}`)
      .action((id: string, options: Options) =>
        inSession(options, async (session) => {
          const answer = await ask(session, id, options)
          printAnswer(answer, session.json)
          if (answer.accepted && !session.json && follow) print(follow(id, answer.events.length > 0))
        }),
      )
  }
  const verb = (name: string) => withExperiment(experiment.command(name))
  const because = ({ reason }: { readonly reason?: string }) => (reason === undefined ? {} : { reason })
  const sitesOf = ({ site }: AtSites) => (site === undefined ? {} : { sites: [...site] })

  order(
    verb('initiate'),
    'fetch its code, bring it to its sites, and build it there (its user)',
    'initiate rover-7k2m9x --as carol',
    ({ client }, id) => client.experiments.order(id, 'initiate', {}),
    (id, isNew) =>
      isNew
        ? `Follow it with: millrace experiment logs ${id} --follow`
        : `To begin anew with what was mended, first: millrace experiment terminate ${id} --reason <why>`,
  )
  order<Reasoned>(
    verb('approve').addOption(reason()),
    'allow it, where its project asks for that (an administrator)',
    'approve rover-7k2m9x --as ada',
    ({ client }, id, options) => client.experiments.order(id, 'approve', because(options)),
  )
  order<Reasoned>(
    verb('decline').addOption(reason().makeOptionMandatory()),
    'do not allow it, with the reason that its user is told (an administrator)',
    'decline rover-7k2m9x --reason "too close to people" --as ada',
    ({ client }, id, options) => client.experiments.order(id, 'decline', because(options)),
  )
  order<SessionOptions & { readonly node: readonly string[] }>(
    verb('setup').addOption(
      new Option('--node <site/node>', 'an end node that it gets; may be given several times')
        .argParser((text: string, before?: readonly string[]) => several(nodeIn(text), before))
        .makeOptionMandatory(),
    ),
    'move it to the testbed: give it end nodes, and deliver there what is to run (an operator)',
    'setup rover-7k2m9x --node north/one --as olga',
    ({ client }, id, { node }) => client.experiments.order(id, 'move-to-testbed', { nodes: [...node] }),
  )
  order<AtSites>(
    withSites(verb('ready')),
    'say that it can be run (an operator)',
    'ready rover-7k2m9x --as olga',
    ({ client }, id, options) => client.experiments.order(id, 'mark-ready', sitesOf(options)),
  )
  order<AtSites>(
    withSites(verb('run')),
    'run it (an operator)',
    'run rover-7k2m9x --as olga',
    ({ client }, id, options) => client.experiments.order(id, 'run', sitesOf(options)),
  )
  order<Reasoned>(
    verb('cancel').addOption(reason()),
    'stop what runs (an operator, or its user)',
    'cancel rover-7k2m9x --reason "too loud" --as olga',
    ({ client }, id, options) => client.experiments.order(id, 'cancel-run', because(options)),
  )
  order<AtSites & { readonly acceptPartial?: boolean }>(
    withSites(verb('submit')).option('--accept-partial', 'take the results of a run that failed as well'),
    'say that it is finished, and bring its results home (an operator)',
    'submit rover-7k2m9x --as olga',
    ({ client }, id, { acceptPartial = false, ...options }) =>
      client.experiments.order(id, 'submit', { ...sitesOf(options), acceptPartial }),
  )
  order<SessionOptions & { readonly part?: string; readonly step?: ReturnType<typeof stepIn> }>(
    verb('retry')
      .option('--part <site/node>', 'the part whose step it is; what has failed unless said', partIn)
      .option('--step <name>', 'the step; what has failed unless said', stepIn),
    'take a step once more that has failed (an operator)',
    'retry rover-7k2m9x --as olga',
    async ({ client }, id, { part, step }) => {
      if (part !== undefined && step !== undefined) return client.experiments.order(id, 'retry', { part, step })
      return retryFailed(client, id, { part, step })
    },
  )
  order<Reasoned>(
    verb('terminate').addOption(reason()),
    'give up what is under way, so that it can be begun anew; nothing is deleted',
    'terminate rover-7k2m9x --reason "wrong branch" --as carol',
    ({ client }, id, options) => client.experiments.order(id, 'terminate', because(options)),
  )
  order<SessionOptions & { readonly cloud: string }>(
    verb('set-cloud-link').requiredOption('--cloud <link>', 'where its results go'),
    'say where its results go (its user)',
    'set-cloud-link rover-7k2m9x --cloud directory:carol/dawn --as carol',
    async ({ client }, id, { cloud }) =>
      client.experiments.order(id, 'set-cloud-link', { cloudLink: await client.experiments.keepLink(id, cloud) }),
  )
  order<SessionOptions & { readonly who?: readonly string[]; readonly nobody?: boolean }>(
    verb('set-experimenters')
      .addOption(
        new Option('--who <name>', 'somebody who may do what its creator may; may be given several times').argParser(
          several,
        ),
      )
      .addOption(new Option('--nobody', 'its creator alone').conflicts('who')),
    'say who may do what its creator may, in place of those who may so far (its user)',
    'set-experimenters rover-7k2m9x --who emil --as carol',
    ({ client }, id, { who, nobody }) => {
      if (!who && !nobody) throw new Fault('contract.broken', 'Say who, with --who for each of them, or --nobody')
      return client.experiments.order(id, 'set-experimenters', { experimenters: [...(who ?? [])] })
    },
  )
  order(verb('archive'), 'put it away (its user)', 'archive rover-7k2m9x --as carol', ({ client }, id) =>
    client.experiments.order(id, 'archive', {}),
  )
}

type Named = { readonly part?: string | undefined; readonly step?: ReturnType<typeof stepIn> | undefined }

/** Retries the one step that has failed; where there are several, all of them in turn: a refusal of any is the answer. */
const retryFailed = async (client: Client, id: string, named: Named): Promise<Awaited<Answer>> => {
  const { experiment } = await client.experiments.get(id)
  const failed = Object.entries(experiment.parts).flatMap(([part, steps]) =>
    Object.entries(steps).flatMap(([name, { state }]) => {
      const step = stepIn(name)
      const isMeant = (named.part ?? part) === part && (named.step ?? step) === step
      return state === 'failed' && isMeant ? [{ part, step }] : []
    }),
  )
  const answers: Awaited<Answer>[] = []
  for (const one of failed) answers.push(await client.experiments.order(id, 'retry', one))
  return (
    answers.find(({ accepted }) => !accepted) ??
    answers.at(-1) ?? { accepted: false, refusal: 'not-failed', detail: `No step of ${id} has failed` }
  )
}
