import { useEffect, useRef } from 'react'
import { keyLines, patience } from './key-list.ts'
import { go } from './router.ts'
import { useScreens } from './screens.ts'

const dialogId = 'keys'
const showKeys = (): void => (document.getElementById(dialogId) as HTMLDialogElement | null)?.showModal()

export const KeysButton = () => (
  <button type="button" className="quiet-button" aria-label="Keys" title="Keys: ?" onClick={showKeys}>
    ?
  </button>
)

/** The keys of the console, and the list of them. */
export const Keys = () => {
  const dialog = useRef<HTMLDialogElement>(null)
  const screens = useScreens()
  useEffect(() => {
    let goneAt = 0
    const press = (event: KeyboardEvent): void => {
      const { key, target, ctrlKey, metaKey, altKey } = event
      if (ctrlKey || metaKey || altKey || dialog.current?.open) return
      if ((target as HTMLElement).matches?.('input:not([type=checkbox], [type=radio]), select, textarea')) return
      const [, to] = (Date.now() - goneAt < patience && screens.find(([letter]) => letter === key)) || []
      goneAt = key === 'g' ? Date.now() : 0
      const control = /^[/f]$/.test(key) ? document.querySelector<HTMLElement>(`[data-key="${key}"]`) : null
      if (to === undefined && key !== '?' && control === null) return
      event.preventDefault()
      if (to !== undefined) go(to)
      else if (key === '?') showKeys()
      else if (control?.matches('[type=checkbox]')) control.click()
      else control?.focus()
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [screens])
  return (
    <dialog id={dialogId} ref={dialog} aria-label="Keys">
      <form method="dialog">
        <h2>Keys</h2>
        <dl className="facts">
          {keyLines(screens).map(([keys, does]) => (
            <div key={keys}>
              <dt>
                <kbd>{keys}</kbd>
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
        <button type="submit">Close</button>
      </form>
    </dialog>
  )
}
