// Before anything is drawn: where the reader has not chosen, the system says light or dark.
(() => {
  const root = document.documentElement;
  if (!root.hasAttribute("data-theme-auto")) return;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => { root.dataset.bsTheme = dark.matches ? "dark" : "light"; };
  follow();
  dark.addEventListener("change", () => { if (root.hasAttribute("data-theme-auto")) follow(); });
})();
