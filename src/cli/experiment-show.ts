import type { Command } from 'commander'
import { experimentListsOf } from '#client/experiment-lists'
import { partOfSite, placeOfPart, portalPart } from '#contracts/experiment-parts'
import { stageOf, subStateOf, wordsOf } from '#contracts/experiment-standing'
import { partsOf } from '#contracts/experiment-summary'
import { waitsOf } from '#contracts/experiment-waits'
import { lastRunOf } from './experiment-run.ts'
import { notHeardSince, verbOf, withExperiment } from './experiment-words.ts'
import { print, printOne, printRows } from './print.ts'
import { printableLines } from './printable.ts'
import { inSession, type SessionOptions } from './session.ts'

/** Verbs that say how an experiment stands, what happened to it, and what it has left. */
export const experimentShow = (experiment: Command): void => {
  withExperiment(experiment.command('show'))
    .description('say how an experiment stands: mode and status, and each of its parts')
    .addHelpText('after', '\nExample:\n  millrace experiment show rover-7k2m9x')
    .action((id: string, options: SessionOptions) =>
      inSession(options, async ({ bus, client, json }) => {
        const { experiment } = await client.experiments.get(id)
        // Nobody can tell where nothing keeps what is listed: all else is known without.
        const seen = await experimentListsOf(bus)
          .heard(id)
          .catch(() => undefined)
        const heard = new Map(seen?.parts.map((one) => [one.part, one]))
        const { mode, status } = wordsOf[stageOf(experiment)]
        const { name, creator, attempt, source, approval, declined, run } = experiment
        const fetched = experiment.parts[portalPart]?.fetch?.made
        const head = {
          ...{ experiment: id, name, mode, status, creator, attempt },
          ...(run > 0 && { run }),
          ...(approval !== 'not-asked' && { approval }),
          ...(declined !== undefined && { declined }),
          source: source.ref === undefined ? source.link : `${source.link} (${source.ref})`,
          ...(fetched?.step === 'fetch' && { commit: fetched.commit }),
        }
        const begun = partsOf(experiment)
        const parts = (begun.length > 0 ? begun : [portalPart]).map((part) => {
          const { state, failed, cancelled, reason = '' } = subStateOf(experiment, part)
          const ended = failed ? `failed at ${failed}` : cancelled ? `cancelled at ${cancelled}` : ''
          const taking = [part, partOfSite(placeOfPart(part).site), portalPart]
          const { heardUntil = null, away = null } =
            taking.map((one) => heard.get(one)).find((one) => typeof one?.heardUntil === 'string') ?? {}
          return { part, state, ended, lastRun: lastRunOf(experiment, part), heardUntil, away, reason }
        })
        const waits = waitsOf(experiment).filter(({ waitsFor }) => waitsFor !== 'machine')
        if (json) return print(JSON.stringify({ ...head, parts, waits }))
        printOne(head, false)
        print('')
        const told = parts.map(({ state, heardUntil, away, ...row }) => ({
          ...row,
          state: heardUntil === null ? state : `${state}, ${away} ${notHeardSince(heardUntil)}`,
        }))
        printRows(told, ['part', 'state', 'lastRun', 'ended', 'reason'], false)
        // What failed for a whole site, or at the portal, is the reason of several parts.
        const reasons = Map.groupBy(
          parts.filter(({ reason }) => reason.trim().includes('\n')),
          ({ ended, reason }) => `${ended}:\n${reason.trim()}`,
        )
        for (const [words, of] of reasons)
          print(`\n${of.map(({ part }) => part).join(', ')} ${printableLines(words).replaceAll('\n', '\n  ')}`)
        if (waits.length === 0) return
        print('')
        const asked = waits.map((wait) => ({ ...wait, what: verbOf(wait.what) }))
        printRows(asked, ['waitsFor', 'what', 'step', 'part'], false)
      }),
    )

  withExperiment(experiment.command('history'))
    .description('say who did what with an experiment, and why')
    .addHelpText('after', '\nExample:\n  millrace experiment history rover-7k2m9x')
    .action((id: string, options: SessionOptions) =>
      inSession(options, async ({ client, json }) => {
        const { events } = await client.experiments.get(id)
        const rows = events.map(({ storedAt, principal, type, data }) => {
          const { part, step, reason } = data as { part?: string; step?: string; reason?: string }
          const what = type.slice(type.indexOf('.') + 1)
          return { at: storedAt, who: principal, what, step, part, reason }
        })
        printRows(
          rows.map(({ at, ...row }) => ({ storedAt: at, ...row })),
          ['storedAt', 'who', 'what', 'step', 'part', 'reason'],
          json,
        )
        if (!json && rows.some(({ reason }) => reason?.trim().includes('\n')))
          print(`Some reasons are cut. They are whole in: millrace experiment history ${id} --json`)
      }),
    )

  withExperiment(experiment.command('results'))
    .description('say what the runs of an experiment have left, on each end node')
    .addHelpText('after', '\nExample:\n  millrace experiment results rover-7k2m9x --json')
    .action((id: string, options: SessionOptions) =>
      inSession(options, async ({ client, json }) => {
        const { experiment } = await client.experiments.get(id)
        const rows = Object.entries(experiment.parts).flatMap(([part, { run, collect }]) => {
          if (!run?.results) return []
          const { files, bytes, partial, manifest } = run.results
          return [{ part, run: run.run, files, bytes, partial, manifest, collected: collect?.state }]
        })
        const columns = ['part', 'run', 'files', 'bytes', 'partial', 'collected', 'manifest']
        printRows(rows, columns, json)
      }),
    )
}
