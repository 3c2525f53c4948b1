/**
 * A page with one message, for when there is no app to show.
 * @param title Plain text. @param sentence HTML of our own, never of a request.
 */
export function messagePage(title: string, sentence: string): string {
	return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>
	body { font: 1rem/1.5 system-ui, sans-serif; display: grid; place-content: center; min-height: 90vh; margin: 1rem; text-align: center }
	h1 { font-size: 1.25rem; margin: 0 }
	p { margin: 0.5rem 0; opacity: 0.75 }
</style>
<main><h1>${title}</h1><p>${sentence}</p></main>
</html>
`;
}
