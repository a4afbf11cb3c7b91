import { useSyncExternalStore } from 'react'

const dark = '(prefers-color-scheme: dark)'

const schemeNow = (): 'light' | 'dark' => {
  const { theme } = document.documentElement.dataset
  if (theme === 'light' || theme === 'dark') return theme
  return matchMedia(dark).matches ? 'dark' : 'light'
}

const subscribe = (listener: () => void): (() => void) => {
  const list = matchMedia(dark)
  list.addEventListener('change', listener)
  const observer = new MutationObserver(listener)
  observer.observe(document.documentElement, { attributeFilter: ['data-theme'] })
  return () => {
    list.removeEventListener('change', listener)
    observer.disconnect()
  }
}

/** Whether the page is light or dark, for what is drawn and not styled. */
export const useScheme = (): 'light' | 'dark' => useSyncExternalStore(subscribe, schemeNow)

/** A colour of the style sheet, as a canvas takes it. */
export const colourIn = (element: HTMLElement, name: string): string => {
  const probe = element.appendChild(document.createElement('span'))
  probe.style.color = `var(${name})`
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
