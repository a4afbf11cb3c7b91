import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { partOfSite } from '#contracts/experiment-parts'
import { buildImage } from '../containers/build-image.ts'
import { composeFile, labels } from '../containers/compose-file.ts'
import { engineAt } from '../containers/engine-at.ts'
import { removeImage } from '../containers/remove-image.ts'
import { checkAttempt, markFile } from './attempt-mark.ts'
import type { Bundles } from './bundle.ts'
import { readConfig } from './config-yaml.ts'
import { dockerfileOf, hasDockerfile } from './dockerfile.ts'
import { besideCode, commitOf, madeIn } from './places-of.ts'
import type { SiteConfig } from './site-config.ts'
import { composeGivenOf } from './site-container.ts'
import type { StepTask } from './step-work.ts'
import type { TakeStep } from './take-steps.ts'

/** Builds an experiment's image at its site, pushes it to the site's registry, and writes the Compose file. */
export const buildStep =
  ({ config, bundles }: { readonly config: SiteConfig; readonly bundles: Bundles }): TakeStep =>
  async ({ id, step, experiment, say, phase, signal }) => {
    const { site, experiments, registry, base } = config
    const { arguments: given } = config.build
    const folder = join(experiments, id)
    const { attempt } = step
    const { bundle } = madeIn(experiment, partOfSite(site), 'ship')
    const host = experiment.parts[partOfSite(site)]?.ship?.host ?? ''
    if (bundle !== undefined) {
      say(`Out of the bucket of ${host}: ${bundle}`)
      await bundles.get({ host, bundle }, folder, signal, besideCode)
    }
    await checkAttempt(folder, { experiment: id, attempt, commit: commitOf(experiment) })
    const dockerfile = (await hasDockerfile(folder))
      ? undefined
      : dockerfileOf({ base, config: await readConfig(folder), given: Object.keys(given) })
    if (dockerfile !== undefined) say('The repository has no Dockerfile: one is made from its config.yaml')
    const tag = tagOf(id, attempt, site)
    say(`The engine is asked to build ${registry}/${tag}, as docker build does`)
    const { image } = await buildImage({
      ...{
        engine: engineAt(config.engine),
        except: [...besideCode, markFile],
        network: config.buildNetwork,
        given,
        folder,
        dockerfile,
        tag,
        registry,
        signal,
      },
      labels: { [labels.experiment]: id, [labels.attempt]: String(attempt) },
      limits: {
        ...{ memory: config.build.memory, cpus: config.build.cpus, size: config.build.size },
        milliseconds: config.build.minutes * 60_000,
        registryPatience: config.registryPatience,
      },
      phase: (now, reason) => {
        phase(now, reason)
        if (now === 'pushing' && reason === undefined) say(`The engine is asked to push ${registry}/${tag}`)
      },
      say: (line) => say(line),
    })
    say(`Built and pushed: ${image}`)
    const compose = composeFile({ experiment: id, attempt, site, image, ...composeGivenOf(config) })
    const path = join(folder, 'docker-compose.yml')
    await writeFile(`${path}.draft`, compose)
    await rename(`${path}.draft`, path)
    return { step: 'build', image, compose }
  }

/** Removes what a build that is nobody's business any longer has left in the engine, where this process died in its midst. */
export const dropBuild =
  ({ site, engine, registry }: SiteConfig) =>
  ({ address, data }: StepTask): Promise<void> =>
    removeImage(engineAt(engine), `${registry}/${tagOf(address.key, data.attempt, site)}`)

/** Sites may share a registry, and each builds its own. */
const tagOf = (id: string, attempt: number, site: string): string => `${id.toLowerCase()}:${attempt}-${site}`
