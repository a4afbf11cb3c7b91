import { useState } from 'react'

/** The command line that does what a button does, to be copied. */
export const ShellLine = ({ command }: { readonly command: string }) => {
  const [copied, setCopied] = useState<string>()
  const copy = async () => {
    await navigator.clipboard.writeText(command).then(
      () => setCopied(command),
      () => setCopied(undefined), // It stands there, and can be selected.
    )
  }
  return (
    <div className="same">
      The same from a shell:
      <div className="same-line">
        <code>{command}</code>
        <button type="button" className="quiet-button" onClick={copy}>
          {copied === command ? 'Copied' : 'Copy'}
        </button>
      </div>
    </div>
  )
}
