/** Something broke. `code` is for programs and never changes; `message` is a sentence for people. */
export class Fault<Code extends string = string> extends Error {
  readonly code: Code
  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Fault'
    this.code = code
  }
}

/** Everything that can break, in one place. A sentence says what was expected, where, and what to do. */
export const faults = {
  unreachable: (url: string, cause: unknown) =>
    new Fault('bus.unreachable', `No NATS server answers at ${url}. Start one with: millrace nats`, { cause }),
} as const

export type FaultCode = ReturnType<(typeof faults)[keyof typeof faults]>['code']

/** What an unknown thrown value has to say. */
export const reasonOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))
