import { StringDecoder } from 'node:string_decoder'
import { Fault } from '#bus/fault'

/** No message of an engine is longer, in characters. */
const longest = 4 * 1024 * 1024

/** The JSON documents that a stream holds line by line, as they come; what is none is passed over. Rejects where the stream breaks. */
export async function* jsonLines(stream: AsyncIterable<Buffer | string>): AsyncGenerator<Record<string, unknown>> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + (typeof chunk === 'string' ? chunk : decoder.write(chunk))).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > longest)
      throw new Fault('engine.refused', `The engine sent a line of more than ${longest} characters`)
    for (const line of lines) yield* documentIn(line)
  }
  yield* documentIn(rest)
}

const documentIn = (line: string): Record<string, unknown>[] => {
  try {
    const found: unknown = JSON.parse(line)
    return found && typeof found === 'object' ? [found as Record<string, unknown>] : []
  } catch {
    return []
  }
}
