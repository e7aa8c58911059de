// What another site can do with the browser of somebody who is signed in: nothing.
import { createServer } from 'node:http';
import { CONSOLE, ONE, PAYOUT, check, open, signIn, withBrowser } from './browser.mjs';

/** A page of somebody else's, which sends a form to the console, or shows it in a frame. */
const page = (body) => `<!doctype html><meta charset="utf-8"><title>a prize</title>${body}`;
const PAGES = {
  '/form': page(`<form method="post" action="${CONSOLE}/act/replay"><input name="payout" value="${PAYOUT}"><input name="token" value="x"></form>
    <script>document.forms[0].submit()</script>`),
  '/frame': page(`<iframe src="${CONSOLE}/"></iframe>`),
  '/fetch': page(`<script>
    fetch('${CONSOLE}/payouts', { credentials: 'include' }).then((answer) => answer.text())
      .then((text) => { document.title = 'read ' + text.length; }, () => { document.title = 'not read'; });</script>`),
};
const server = createServer((request, answer) => {
  answer.setHeader('content-type', 'text/html');
  answer.end(PAGES[request.url] ?? '');
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address();

await withBrowser(async (browser) => {
  const victim = await open(browser);
  await signIn(victim, ONE);
  // Another port of the same host is the same site, so the cookie goes along; another name is another site.
  for (const stranger of [`http://127.0.0.1:${port}`, `http://localhost:${port}`]) {
    const answered = victim.waitForResponse((answer) => answer.url().endsWith('/act/replay'));
    await victim.goto(`${stranger}/form`);
    check((await answered).status() === 403, `a form of ${stranger} is refused`);
    const framed = victim.waitForEvent('console', (message) => message.text().includes('frame'));
    await victim.goto(`${stranger}/frame`);
    await framed;
    await victim.goto(`${stranger}/fetch`);
    await victim.waitForFunction(() => document.title.includes('read'));
    check(await victim.title() === 'not read', `a script of ${stranger} reads nothing`);
  }
  await victim.goto(CONSOLE + '/');
  check(new URL(victim.url()).pathname === '/', 'the person is still signed in');
});
server.close();
