export type Theme = 'auto' | 'light' | 'dark'

const kept = 'millrace-theme'

/** What somebody chose; without a choice, as the system has it. */
export const chosenTheme = (): Theme => {
  const theme = localStorage.getItem(kept)
  return theme === 'light' || theme === 'dark' ? theme : 'auto'
}

export const applyTheme = (theme: Theme = chosenTheme()): void => {
  document.documentElement.dataset.theme = theme
}

export const chooseTheme = (theme: Theme): void => {
  localStorage.setItem(kept, theme)
  applyTheme(theme)
}
