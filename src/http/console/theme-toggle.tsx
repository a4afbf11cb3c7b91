import { useState } from 'react'
import { chooseTheme, chosenTheme } from './theme.ts'

const next = { auto: 'light', light: 'dark', dark: 'auto' } as const

/** Goes from the system's colours to light to dark, and round again. */
export const ThemeToggle = () => {
  const [theme, choose] = useState(chosenTheme)
  const turn = () => {
    chooseTheme(next[theme])
    choose(next[theme])
  }
  return (
    <button type="button" className="quiet-button" onClick={turn}>
      <span className="visually-hidden">Colours: </span>
      <span aria-hidden="true">◐ </span>
      {theme}
    </button>
  )
}
