// Hands on the keyboard alone: sign in, search, move, open, pause the refresh.
import { CONSOLE, ONE, PAYOUT, check, open, withBrowser } from './browser.mjs';

const loaded = (page, key) => Promise.all([page.waitForEvent('load'), page.keyboard.press(key)]);
const text = (page, selector) => page.textContent(selector);

await withBrowser(async (browser) => {
  const page = await open(browser);
  await page.goto(CONSOLE + '/');
  for (let tabs = 0; tabs < 12 && await page.evaluate(() => document.activeElement.name !== 'login'); tabs += 1) {
    await page.keyboard.press('Tab');
  }
  await page.keyboard.type(ONE[0]);
  await page.keyboard.press('Tab');
  await page.keyboard.type(ONE[1]);
  await loaded(page, 'Enter');
  check(new URL(page.url()).pathname === '/', 'signed in without a mouse');

  // Every payout is one key and its number away.
  await page.keyboard.press('/');
  await page.keyboard.type(PAYOUT.split('/').pop());
  await loaded(page, 'Enter');
  check(page.url().endsWith(`/payouts/${PAYOUT}`), 'the number opens its payout');

  await page.goto(CONSOLE + '/payouts');
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  const second = await page.locator('.item').nth(1).locator('a').getAttribute('href');
  check(await page.locator('.item.current a').getAttribute('href') === second, 'j moves down the list');
  await page.keyboard.press('k');
  check(await page.locator('.item').first().evaluate((item) => item.classList.contains('current')), 'k moves up');
  await page.keyboard.press('j');
  await loaded(page, 'Enter');
  check(page.url().endsWith(second), 'Enter opens what was chosen');

  check(await page.isHidden('#keys'), 'the keys are not in the way');
  await page.keyboard.press('?');
  check(await page.isVisible('#keys'), '? shows the keys');
  const on = await text(page, '#refresh-state');
  await page.keyboard.press('r');
  check(await text(page, '#refresh-state') !== on, 'r pauses the refresh');
  check(page.complaints.length === 0, `the browser complains: ${page.complaints.join('\n')}`);
});
