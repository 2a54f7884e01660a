// Drives the website of the example `auth0-demo` in a real browser, and writes down what it sees.
// Arguments: the website's URL, the browser, a folder for pictures, and which provider it is:
// `embedded` or `oidc-provider`.

import { launch, watch } from "../support/browser.mjs";

const [url, executablePath, pictures, provider] = process.argv.slice(2);
const browser = await launch(executablePath);
const seen = { problems: [] };

// A browser of its own for each person.
async function visit() {
  const context = await browser.newContext({
    viewport: { width: 1000, height: 720 },
    // Nobody vouches for the certificate.
    ignoreHTTPSErrors: true,
  });
  const page = await context.newPage();
  watch(page, seen.problems);
  const picture = (name) => page.screenshot({ path: `${pictures}/${provider}-${name}.png`, fullPage: true });
  return { context, page, picture };
}

async function logIn(page, name, picture) {
  await page.goto(url);
  await picture?.("1-home");
  await page.click("main a.button");
  if (provider === "embedded") {
    await picture?.("2-provider");
    await page.click(`button[value=${name}]`);
  } else {
    await page.fill("input[name=login]", name);
    await page.fill("input[name=password]", "anything");
    await picture?.("2-provider");
    await page.click("button[type=submit]");
    // The provider asks whether the website may know all that.
    await page.click("button[type=submit]");
  }
  await page.waitForURL(`${url}profile`);
}

// The provider may know who it is by now.
async function logInAgain(page, name) {
  await page.goto(`${url}login`);
  if (provider === "embedded") {
    await page.click(`button[value=${name}]`);
  }
  await page.waitForURL(`${url}profile`);
}

const statuses = (page) => page.locator(".answer .status").allTextContents();
const status = async (page, path) => (await page.goto(url + path)).status();

const alice = await visit();
seen.anonymous = await status(alice.page, "profile");
await logIn(alice.page, "alice", alice.picture);
await alice.picture("3-profile");
seen.heading = await alice.page.textContent("h1");
seen.roles = await alice.page.locator(".tag").allTextContents();
const cookies = await alice.context.cookies(url);
seen.cookies = cookies.map(({ name, httpOnly, secure, sameSite }) => ({ name, httpOnly, secure, sameSite }));
await alice.page.goto(`${url}reports`);
seen.aliceAsks = await statuses(alice.page);
await alice.picture("4-api");
seen.aliceAdministers = await status(alice.page, "admin");
await alice.picture("5-not-for-alice");

const ada = await visit();
await logIn(ada.page, "ada");
await ada.page.goto(`${url}reports`);
seen.adaAsks = await statuses(ada.page);
await ada.page.click("nav a[href='/admin']");
seen.adaAdministers = await statuses(ada.page);
await ada.picture("6-admin");

// The answer to a login of another browser, while one is under way here; it does no harm to that one.
await ada.page.goto(url);
const [begun] = await Promise.all([
  ada.page.waitForRequest((request) => request.url().includes("code_challenge=")),
  ada.page.goto(`${url}login`).catch(() => {}),
]);
seen.asksFor = new URL(begun.url()).searchParams.get("code_challenge_method");
seen.strangeAnswer = await status(ada.page, "callback?code=x&state=y");
await ada.picture("7-strange-answer");

// A copy of the cookie is worth nothing after another login, nor after the logout.
const copy = async () => (await ada.context.cookies(url)).find(({ name }) => name === "__Host-session");
const replay = async (cookie) => {
  const thief = await visit();
  await thief.context.addCookies([cookie]);
  const answer = await status(thief.page, "profile");
  await thief.context.close();
  return answer;
};
const first = await copy();
seen.copyWhileLoggedIn = await replay(first);
await logInAgain(ada.page, "ada");
seen.copyAfterAnotherLogin = await replay(first);
const second = await copy();

await ada.page.goto(url);
const [left] = await Promise.all([
  ada.page.waitForRequest((request) => request.url().includes("post_logout_redirect_uri=")),
  ada.page.click("nav form button"),
]);
seen.logoutShowsToken = left.url().includes("eyJ");
if (provider !== "embedded") {
  await ada.page.click("button[value=yes]");
}
await ada.page.waitForURL(url);
seen.afterLogout = await status(ada.page, "profile");
seen.copyAfterLogout = await replay(second);
await ada.picture("8-after-logout");
// The other visitor has not logged out.
seen.aliceStays = await status(alice.page, "profile");

await browser.close();
console.log(JSON.stringify(seen));
