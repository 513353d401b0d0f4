/** What the pages are made of, each as it is sent; the document has a place for the base path. */
export interface PageFiles {
  readonly 'index.html': string
  readonly 'app.js': string
  readonly 'app.css': string
  readonly 'icon.svg': string
}
