import { env } from 'node:process'
import { filesystemStore, metadataStore, pipeline } from 'millrace'
import { createTransport } from 'nodemailer'

const {
  SMTP_URL = 'smtp://127.0.0.1:2525',
  MAIL_FROM: from = 'millrace@localhost',
  MAIL_TO: to = 'you@localhost',
} = env
const metadata_store = metadataStore({ path: './alert-artifacts/metadata.db' })
const logs = filesystemStore({ path: './alert-artifacts/logs', watch: true })

export const alert = pipeline('alert', { metadata_store, logs }, (action) => ({
  mail: action({ after: ['logs'], retry: 5 }, async ({ run }) => {
    for (const log of run.inputs.logs) {
      const errors = (await log.text()).match(/^.*error.*$/gim)
      if (errors) await createTransport(SMTP_URL).sendMail({ from, to, subject: log.path, text: errors.join('\n') })
    }
  }),
}))
