// For pages that the server writes: the colours that somebody chose in the console, moments as they are written here, the
// console's keys, and the page anew when something has changed.
const kept = 'millrace-theme'
const nextTheme = { auto: 'light', light: 'dark', dark: 'auto' }
const chosenTheme = () => {
  const theme = localStorage.getItem(kept)
  return theme in nextTheme ? theme : 'auto'
}
document.documentElement.dataset.theme = chosenTheme()

/** How long after `g` the second letter may come, and how long changes are gathered; milliseconds. */
const patience = 1_500
const gathering = 500

const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const writeMoments = () => {
  for (const moment of document.querySelectorAll('time')) moment.textContent = format.format(new Date(moment.dateTime))
}

const turnTheme = () => {
  const button = document.querySelector('#turn-theme')
  const show = () => {
    document.documentElement.dataset.theme = chosenTheme()
    button.lastElementChild.textContent = chosenTheme()
  }
  button.addEventListener('click', () => {
    localStorage.setItem(kept, nextTheme[chosenTheme()])
    show()
  })
  show()
}

const listenToKeys = () => {
  const dialog = document.querySelector('#keys')
  document.querySelector('#show-keys').addEventListener('click', () => dialog.showModal())
  let goneAt = 0
  document.addEventListener('keydown', ({ key, ctrlKey, metaKey, altKey }) => {
    if (ctrlKey || metaKey || altKey || dialog.open) return
    const to = Date.now() - goneAt < patience && document.querySelector(`[data-go="${CSS.escape(key)}"]`)
    goneAt = key === 'g' ? Date.now() : 0
    if (to) location.assign(to.href)
    else if (key === '?') dialog.showModal()
  })
}

/** Reads the page again, soon, and shows what is new of it. */
const refresher = () => {
  const main = document.querySelector('main')
  let served = main.innerHTML
  let isOld = false
  let isBusy = false
  let latest
  const show = (html) => {
    if (html === served) return
    const at = document.activeElement?.closest('main a')
    const alike = () => [...main.querySelectorAll('a')].filter(({ href }) => href === at.href)
    const place = at && alike().indexOf(at)
    served = html
    main.innerHTML = html
    writeMoments()
    if (at) (alike()[place] ?? alike()[0])?.focus() // Whoever goes by keyboard is not sent back to the beginning.
  }
  return async (position) => {
    latest = position ?? latest
    isOld = true
    if (isBusy) return
    isBusy = true
    while (isOld) {
      await new Promise((resolve) => setTimeout(resolve, gathering))
      if (!getSelection().isCollapsed) continue // Somebody is copying it.
      isOld = false
      if (latest) document.querySelector('.position').textContent = `@${latest}`
      const answer = await fetch(location.href, { headers: { Accept: 'text/html' } }).catch(() => undefined)
      if (!answer?.ok) {
        isOld = answer === undefined // Nobody answered: it is asked for again, but not at once.
        if (isOld) await new Promise((resolve) => setTimeout(resolve, 1_000))
        continue
      }
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
      show(page.querySelector('main').innerHTML)
    }
    isBusy = false
  }
}

const listen = (refresh) => {
  const mark = document.querySelector('.live')
  const become = (state) => {
    if (mark.dataset.state === state) return
    mark.dataset.state = state
    mark.textContent = state
  }
  const hear = ({ lastEventId }) => {
    become('live')
    void refresh(lastEventId.split('.')[1])
  }
  const open = () => {
    const source = new EventSource('/api/events')
    for (const type of ['position', 'reset', 'presence', 'message']) source.addEventListener(type, hear)
    source.addEventListener('error', () => {
      become('reconnecting')
      if (source.readyState === EventSource.CLOSED) setTimeout(open, 1_000)
    })
  }
  open()
}

addEventListener('DOMContentLoaded', () => {
  const refresh = refresher()
  writeMoments()
  turnTheme()
  listenToKeys()
  listen(refresh)
  document.querySelector('.header-end').hidden = false
})
