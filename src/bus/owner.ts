import { askedOf } from '#contracts/subjects'

/** Who is missing where nobody answers a request, and what to do, in words of whoever asked. */
export const missingOwner = (subject: string): string => {
  const { root, scope, agent } = askedOf(subject)
  switch (root) {
    case 'queries':
      return `Nobody answers for the metadata of ${scope}: the web process that keeps it is not running. Start it with: millrace up, or millrace web`
    case 'commands':
      return `Nobody answers for the pipeline ${scope}: the host that owns it is not running. ${start}`
    case 'services':
      return `Nobody answers for ${scope}/${agent}: the host that keeps it is not running. ${start}`
    default:
      return `Nobody answers ${subject}: whoever does is not running. ${start}`
  }
}

const start = 'Start it with: millrace up, or millrace agent. Who is there: millrace hosts ls'
