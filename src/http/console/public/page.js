// For pages that the server writes: the colours that somebody chose in the console, and moments as they are written here.
const theme = localStorage.getItem('millrace-theme')
if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme

const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
addEventListener('DOMContentLoaded', () => {
  for (const moment of document.querySelectorAll('time')) moment.textContent = format.format(new Date(moment.dateTime))
})
