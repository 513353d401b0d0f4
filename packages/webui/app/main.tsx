/** Starts the pages. */
import { render } from 'preact'
import { Shell } from './ui/shell.tsx'
import { SiteProvider, siteOf } from './ui/site.ts'

const place = document.getElementById('app')
if (place !== null) {
  render(
    <SiteProvider value={siteOf(document.baseURI)}>
      <Shell />
    </SiteProvider>,
    place,
  )
}
