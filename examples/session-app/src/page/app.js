// The page of the example. It never sees a token: the browser keeps them in cookies, and the page
// repeats the CSRF cookie to show that a request is its own.

const $ = (id) => document.getElementById(id);
let renewals = 0;

function csrfToken() {
  const pair = document.cookie.split("; ").find((pair) => pair.startsWith("__Host-csrf="));
  return pair ? pair.slice(pair.indexOf("=") + 1) : "";
}

function send(method, path, body) {
  const headers = { "X-CSRF-Token": csrfToken() };
  if (body) headers["Content-Type"] = "application/json";
  return fetch(path, { method, headers, body: body && JSON.stringify(body) });
}

// One refresh at a time, also among tabs: a refresh token works once.
function renew() {
  const ask = async () => {
    const response = await send("POST", "/auth/refresh");
    if (response.ok) renewals += 1;
    return response.ok;
  };
  return navigator.locks ? navigator.locks.request("renew", ask) : ask();
}

// Asks again with a new access token when the one at hand has expired.
async function ask(method, path, body) {
  const response = await send(method, path, body);
  if (response.status !== 401 || !csrfToken() || !(await renew())) return response;
  return send(method, path, body);
}

function say(text, bad = false) {
  $("message").textContent = text;
  $("message").classList.toggle("bad", bad);
}

async function show() {
  const response = csrfToken() ? await ask("GET", "/me") : null;
  const user = response && response.ok ? await response.json() : null;
  if (user) {
    $("username").textContent = user.username;
    $("role").textContent = user.role;
    $("renewals").textContent = renewals === 1 ? "refreshed once by this page" : `refreshed ${renewals} times by this page`;
  }
  $("signed-in").hidden = !user;
  $("signed-out").hidden = Boolean(user);
  document.body.dataset.state = user ? "signed-in" : "signed-out";
}

async function failure(response) {
  const body = await response.json().catch(() => ({}));
  say(body.error_description || "that did not work", true);
}

async function enter(event) {
  event.preventDefault();
  const fields = Object.fromEntries(new FormData(event.target));
  if (event.submitter && event.submitter.value === "signup") {
    const created = await send("POST", "/auth/signup", fields);
    if (!created.ok) return failure(created);
  }
  const response = await send("POST", "/auth/login", { ...fields, cookies: true });
  if (!response.ok) return failure(response);
  event.target.reset();
  renewals = 0;
  await show();
  say("Welcome.");
}

async function leave(path) {
  const response = await ask("POST", path);
  if (!response.ok) return failure(response);
  await show();
  say("Logged out.");
}

$("login").addEventListener("submit", enter);
$("renew").addEventListener("click", async () => {
  const done = await renew();
  await show();
  say(done ? "The session has new tokens." : "The session is over.", !done);
});
$("logout").addEventListener("click", () => leave("/auth/logout"));
$("logout-all").addEventListener("click", () => leave("/auth/logout-all"));
show();
