import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Control, Phase } from '#agents/containers/control'
import { plainMachine } from './plain-machine.ts'

/** What a shell script is run with as an experiment. Sizes are in bytes. */
export type Trial = {
  readonly image: string
  readonly script: string
  readonly experiment: string
  readonly memory?: number
  readonly pids?: number
  /** What of the machine it is given as /sensor. */
  readonly mount?: string
}

/** The Compose file that a site delivers, for a script. */
export const composeFile = ({ image, script, experiment, memory = 64 * 2 ** 20, pids = 64, mount }: Trial): string => {
  const labels = { 'millrace.experiment': experiment, 'millrace.attempt': '1' }
  return JSON.stringify({
    services: {
      experiment: {
        image,
        labels,
        command: ['sh', '-c', script.replaceAll('$', '$$$$')],
        read_only: true,
        tmpfs: ['/tmp'],
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges'],
        mem_limit: memory,
        memswap_limit: memory,
        pids_limit: pids,
        restart: 'no',
        volumes: [
          'results:/results',
          ...(mount === undefined ? [] : [{ type: 'bind', source: mount, target: '/sensor', read_only: true }]),
        ],
        network_mode: 'none',
        logging: { driver: 'json-file', options: { 'max-size': '50m', 'max-file': '3' } },
      },
    },
    volumes: { results: { labels } },
  })
}

/** Delivers a trial into a folder as a site does, and gives what runs it there. What is heard and told is noted. */
export const deliver = (root: string, host: string, trial: Trial, more: Partial<Control> = {}) => {
  const folder = join(root, 'delivered')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'docker-compose.yml'), composeFile(trial))
  const [phases, lines]: [Phase[], string[]] = [[], []]
  const control: Control = {
    machine: plainMachine(),
    docker: { host },
    folder,
    run: { experiment: trial.experiment, attempt: 1, number: 1, site: 'field', node: 'rover-1' },
    resultsInto: join(root, 'results'),
    phase: (phase) => phases.push(phase),
    say: (_, line) => lines.push(line),
    signal: new AbortController().signal,
    ...more,
    limits: { milliseconds: 60_000, disk: 100e6, files: 1_000, lines: 10_000, grace: 1_000, ...more.limits },
  }
  return { control, phases, lines }
}
