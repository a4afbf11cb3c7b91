import type Docker from 'dockerode'
import { engineTrouble } from './engine-at.ts'

/**
 * Takes a name from an image of an engine, and removes the image where it has no other. One that is not there is fine; one that a
 * container uses stays, for whoever cleans up behind that. Rejects where the engine is away, or says no for another reason.
 */
export const removeImage = async (engine: Docker, name: string): Promise<void> => {
  await engine
    .getImage(name)
    .remove()
    .catch((thrown: unknown) => {
      const { statusCode } = Object(thrown) as { statusCode?: number }
      if (statusCode !== 404 && statusCode !== 409) throw engineTrouble(`remove ${name}`, engine, thrown)
    })
}
