// What pages do beyond links and forms. Everything works without it.

// Light or dark: kept in a cookie, so that the server draws the next page in the same colours.
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-toggle]")) return;
  const root = document.documentElement;
  const theme = root.dataset.bsTheme === "dark" ? "light" : "dark";
  root.removeAttribute("data-theme-auto");
  root.dataset.bsTheme = theme;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  document.dispatchEvent(new Event("theme-changed"));
});

// A copy button beside something worth copying.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).innerText);
  button.querySelector("span").textContent = "Copied";
});

// Tabs: links to parts of the page, of which one is shown.
document.querySelectorAll("[data-tabs]").forEach((tabs) => {
  const links = [...tabs.querySelectorAll("a[href^='#']")];
  const panels = links.map((link) => document.querySelector(link.getAttribute("href")));
  const show = (chosen) => {
    links.forEach((link, index) => {
      const active = index === chosen;
      link.classList.toggle("active", active);
      if (active) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
      panels[index].hidden = !active;
    });
  };
  links.forEach((link, index) => link.addEventListener("click", (event) => {
    event.preventDefault();
    history.replaceState(null, "", link.getAttribute("href"));
    show(index);
  }));
  const follow = () => show(Math.max(0, links.findIndex((link) => link.getAttribute("href") === location.hash)));
  addEventListener("hashchange", follow);
  follow();
});
