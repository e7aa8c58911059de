// A payout that never arrived: one person requests that it is sent again, another one approves, and both see it paid.
import { CONSOLE, ONE, OTHER, PAYOUT, check, open, press, signIn, withBrowser } from './browser.mjs';

const ORDER = PAYOUT.split('/').pop();

await withBrowser(async (browser) => {
  const one = await open(browser);
  await signIn(one, ONE);
  await press(one, `main a[href="/payouts/${PAYOUT}"]`);
  await press(one, 'p.actions a[href*="/act/resubmit"]');
  await one.fill('[name=reason]', 'T-5512');
  if (await one.locator('[name=typed]').count() > 0) await one.fill('[name=typed]', ORDER);
  await press(one, 'main form button');
  await one.goto(CONSOLE + '/approvals');
  const card = one.locator('article.card');
  check(await card.count() === 1, 'the request waits');
  check(await card.locator('a[href$="/approve"]').count() === 0, 'nobody approves their own request');
  const number = (await card.locator('a[href$="/reject"]').getAttribute('href')).match(/\d+/)[0];
  const forced = await one.goto(`${CONSOLE}/approvals/${number}/approve`);
  check(forced.status() >= 400 || await one.locator('main form button.danger, main form button.main').count() === 0
    || !(await approve(one)), 'not even by the address of the form');

  const other = await open(browser);
  await signIn(other, OTHER);
  await press(other, 'a[href="/approvals"]');
  await press(other, 'article.card a[href$="/approve"]');
  check(await approve(other), 'somebody else approves');

  // The page of the payout follows without being reloaded.
  await one.goto(`${CONSOLE}/payouts/${PAYOUT}`);
  await one.waitForSelector('.large .state-paid, .large [data-state=paid], .large :text("paid")', { timeout: 60_000 });
});

/** Sends the form; whether it was done. */
async function approve(page) {
  if (await page.locator('[name=typed]').count() > 0) await page.fill('[name=typed]', ORDER);
  await press(page, 'main form button');
  return (await page.textContent('h1')).includes('✓');
}
