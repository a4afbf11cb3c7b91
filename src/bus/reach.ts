import { connect } from 'node:net'

/** How long a server may take to greet whoever connects, in milliseconds. A healthy one does at once. */
const greetsWithin = 4_000

/** What listens at an address and is no NATS server: `message` says how it shows. */
export class Stranger extends Error {}

/**
 * Resolves once a NATS server greets there, and rejects with what is there instead. The client library never lets go of
 * a program that accepts and stays silent, so none is handed to it.
 */
export const greeted = (host: string, port: number, within = greetsWithin): Promise<void> =>
  new Promise((resolve, reject) => {
    let [text, connected] = ['', false]
    const socket = connect({ host, port })
    const settle = (cause?: Error) => {
      clearTimeout(patience)
      socket.destroy()
      if (cause) reject(cause)
      else resolve()
    }
    const late = () => {
      const seconds = `within ${within / 1000} s`
      settle(connected ? new Stranger(`it gives no greeting ${seconds}`) : new Error(`no connection ${seconds}`))
    }
    const patience = setTimeout(late, within)
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part
      if (!'INFO '.startsWith(text.slice(0, 5))) settle(new Stranger('it greets in another way'))
      else if (text.length >= 5) settle()
    })
    socket.on('connect', () => {
      connected = true
    })
    socket.on('end', () => settle(new Stranger('it closes the connection without a greeting')))
    socket.on('error', (cause) => settle(cause))
  })
