// Every screen, in both languages, light and dark, on a phone and without JavaScript.
import {
  CONSOLE, ONE, PAYOUT, PICTURES, SCREENS, barriers, check, open, press, signIn, tooWide, withBrowser,
} from './browser.mjs';

/** A phone of the narrowest kind. */
const PHONE = { width: 360, height: 740 };

/** What is behind the screens: forms, a confirmation, and a page about a failure; each with the answer's status. */
const BEHIND = {
  '/fund': 200, '/pause': 200, '/money?day=2026-11-21': 200, '/nothing': 404,
  [`/act/resolve-paid?payout=${PAYOUT}`]: 200, [`/act/reveal?payout=${PAYOUT}`]: 200,
};

/** Everything that is wrong, so that one run shows it all. */
const faults = [];

async function show(browser, language, colours) {
  const page = await open(browser, { locale: language, colorScheme: colours });
  await signIn(page, ONE);
  for (const [name, path] of Object.entries(SCREENS)) {
    const where = `${name} in ${language}, ${colours}`;
    const answer = await page.goto(CONSOLE + path);
    check(answer.status() === 200, `${where}: answered ${answer.status()}`);
    check(await page.getAttribute('html', 'lang') === language.slice(0, 2), `${where}: is in its language`);
    const found = await barriers(page);
    faults.push(...found.map((fault) => `${where}: ${fault}`));
    faults.push(...(await tooWide(page)).map((fault) => `${where}: wider than the window: ${fault}`));
    faults.push(...(await tooWideTables(page)).map((fault) => `${where}: a table is wider than the window: ${fault}`));
    if (PICTURES) await page.screenshot({ path: `${PICTURES}/${name}-${language.slice(0, 2)}-${colours}.png`, fullPage: true });
    await page.setViewportSize(PHONE);
    const wide = await tooWide(page);
    faults.push(...wide.map((fault) => `${where}: wider than a phone: ${fault}`));
    if (PICTURES && language === 'en-US' && colours === 'light') {
      await page.screenshot({ path: `${PICTURES}/${name}-phone.png`, fullPage: true });
    }
    await page.setViewportSize({ width: 1200, height: 900 });
  }
  await page.setViewportSize(PHONE);
  for (const [path, status] of Object.entries(BEHIND)) {
    const where = `${path} in ${language}, ${colours}`;
    const answer = await page.goto(CONSOLE + path);
    check(answer.status() === status, `${where}: answered ${answer.status()}`);
    faults.push(...(await barriers(page)).map((fault) => `${where}: ${fault}`));
    faults.push(...(await tooWide(page)).map((fault) => `${where}: wider than a phone: ${fault}`));
  }
  // The browser itself complains about the page that is not there.
  page.complaints = page.complaints.filter((complaint) => !complaint.includes('404'));
  faults.push(...page.complaints.map((complaint) => `${language}, ${colours}: ${complaint}`));
  await page.context().close();
}

/** Tables that can only be read by moving them sideways. */
async function tooWideTables(page) {
  return page.evaluate(() => [...document.querySelectorAll('.scroll')]
    .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => `${one.scrollWidth} px: ${one.innerText.slice(0, 60)}`));
}

/** Links and forms are all that is needed to find a payout, to act on it and to sign out. */
async function withoutJavaScript(browser) {
  const page = await open(browser, { javaScriptEnabled: false });
  await signIn(page, ONE);
  for (const path of Object.values(SCREENS)) {
    check((await page.goto(CONSOLE + path)).status() === 200, `${path} without JavaScript`);
  }
  await page.goto(CONSOLE + '/payouts');
  await page.click('summary');
  await page.fill('[name=text]', SCREENS.payout.split('/').pop());
  await press(page, 'main form[action="/payouts"] button');
  await press(page, 'tr.item a');
  check(page.url().endsWith(SCREENS.payout), `the filter found ${page.url()}`);
  await press(page, 'p.actions a[href*="/act/replay"]');
  await press(page, 'main form button');
  check((await page.textContent('h1')).includes('Done'), 'the query was requested');
  await press(page, 'header form[action="/sign-out"] button');
  check(page.url().endsWith('/sign-in'), 'signed out');
  check((await page.goto(CONSOLE + '/money')).url().endsWith('/sign-in'), 'nothing is shown afterwards');
  await page.context().close();
}

await withBrowser(async (browser) => {
  for (const language of ['en-US', 'id-ID']) {
    for (const colours of ['light', 'dark']) await show(browser, language, colours);
  }
  await withoutJavaScript(browser);
  check(faults.length === 0, faults.join('\n'));
});
