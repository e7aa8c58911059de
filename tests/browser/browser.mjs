// One headless Chromium, and people in front of it.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
const axe = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');

/** Where the console is, which program shows it, and who signs in: `PEOPLE` is two operators, each with a password. */
export const { CONSOLE, CHROMIUM, PICTURES } = process.env;
export const [ONE, OTHER] = JSON.parse(process.env.PEOPLE);
/** The payout that the pages are about: MERCHANT/ORDER. */
export const PAYOUT = process.env.PAYOUT;
/** The six screens. */
export const SCREENS = {
  home: '/', payouts: '/payouts', payout: `/payouts/${PAYOUT}`, approvals: '/approvals', money: '/money', workers: '/workers',
};

/** Fails the run unless it holds. */
export function check(holds, promise) {
  if (!holds) throw new Error(promise);
}

/** Runs `part` with a browser, and ends it whatever happens. */
export async function withBrowser(part) {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  try {
    await part(browser);
  } finally {
    await browser.close();
  }
}

/** A new person's window. What the browser complains about fails the run: a blocked script, an error, a missing file. */
export async function open(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, locale: 'en-US', ...options });
  const page = await context.newPage();
  page.complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) page.complaints.push(message.text());
  });
  page.on('pageerror', (error) => page.complaints.push(error.message));
  return page;
}

/** Signs in as this person. */
export async function signIn(page, [login, password]) {
  await page.goto(CONSOLE + '/');
  await page.fill('[name=login]', login);
  await page.fill('[name=password]', password);
  await press(page, 'main form button');
  check(!page.url().includes('sign-in'), `${login} is signed in, and is at ${page.url()}`);
}

/** Presses a button or link that leads to another page, and waits for that page. */
export async function press(page, selector) {
  await Promise.all([page.waitForEvent('load'), page.click(selector)]);
}

/** What makes the page hard or impossible to use for some people. */
export async function barriers(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 2).join(' | ')}`);
}

/** Whether the page can only be read by moving it sideways, and what is too wide; and what a cell of a table cuts off. */
export async function tooWide(page) {
  return page.evaluate(() => {
    const begin = (one) => one.outerHTML.slice(0, 120);
    const cut = [...document.querySelectorAll('td, tbody th, tfoot th')]
      .filter((one) => one.scrollWidth > one.clientWidth).slice(0, 3).map((one) => `cut off: ${begin(one)}`);
    const limit = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= limit) return cut;
    return [...document.querySelectorAll('main *, header *')]
      .filter((one) => one.getBoundingClientRect().right > limit + 1).slice(0, 3).map(begin).concat(cut);
  });
}
