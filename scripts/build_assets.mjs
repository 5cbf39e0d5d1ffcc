// Bundles the pinned front-end packages into nurture/web/static/vendor/, which git ignores.
// Pages need nothing else: no address outside the server is ever asked.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const OUT = "nurture/web/static/vendor";
const ICONS = `
  dashboard route users user mail mail-opened mail-forward filter star chart-bar settings clock
  arrows-split-2 arrows-split flag flag-check bell logout player-play player-pause player-stop plus
  search upload heart-rate-monitor activity inbox leaf seedling plant-2 check x alert-triangle
  info-circle eye pointer click link trash chevron-down chevron-up chevron-left chevron-right
  chevrons-down sun moon lock key shield-check building tag calendar history help-circle send refresh
  flame trending-up trending-down edit copy external-link adjustments list target login device-floppy
  dots dots-vertical menu-2 download arrow-right arrow-left arrow-up arrow-down arrow-back-up
  arrow-move-right home phone message message-circle file-text file-type-csv file-import file-export
  template forms world map-pin language hash minus circle-check circle-x circle-dot circle-dashed
  alert-circle ban hand-stop eye-off user-plus user-check user-x user-star users-group briefcase
  building-store shopping-cart trophy award scale chart-line chart-funnel chart-dots chart-donut
  git-branch git-merge repeat rotate test-pipe flask bolt robot cpu server database bug webhook api
  plug qrcode device-mobile grip-vertical columns table layout-list sort-ascending sort-descending
  pin bookmark notes news books gift calendar-event calendar-time hourglass clock-pause clock-play
  zzz rosette-discount-check stairs-up heart thumb-up discount mail-x mail-check mail-off mail-plus
  mailbox at unlink printer code braces json circle-plus square-plus archive restore power coins cash
  currency-euro player-skip-forward
`.trim().split(/\s+/);

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });

// Styles and behaviour, as their authors built them.
copy("@tabler/core/dist/css/tabler.min.css");
copy("@tabler/core/dist/js/tabler.min.js");
copy("htmx.org/dist/htmx.min.js");
for (const subset of ["latin", "latin-ext"]) {
  copy(`@fontsource-variable/inter/files/inter-${subset}-wght-normal.woff2`);
}
writeFileSync(`${OUT}/inter.css`, fontFaces());

// Charts: the SVG renderer and the kinds that reports draw, a little over half of the whole library.
await build({
  stdin: { contents: chartsEntry(), resolveDir: process.cwd() },
  outfile: `${OUT}/echarts.min.js`,
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "echarts",
  legalComments: "eof",
  logLevel: "warning",
});

// Icons: name -> the inside of a 24 x 24 outline <svg>, for a template macro.
writeFileSync(`${OUT}/icons.json`, JSON.stringify(Object.fromEntries(ICONS.map((name) => [name, icon(name)]))));

// The licences travel with what they license.
writeFileSync(`${OUT}/LICENSES.txt`, licences());

function copy(path) {
  const name = path.split("/").at(-1);
  // A source map that is not shipped would be asked for in vain.
  if (!/\.(css|js)$/.test(name)) return copyFileSync(`node_modules/${path}`, `${OUT}/${name}`);
  const text = readFileSync(`node_modules/${path}`, "utf8");
  writeFileSync(`${OUT}/${name}`, text.replace(/\n?\/(\*|\/)# sourceMappingURL=.*/g, ""));
}

function fontFaces() {
  const ranges = JSON.parse(readFileSync("node_modules/@fontsource-variable/inter/unicode.json", "utf8"));
  const face = (subset) => `@font-face {
  font-family: "Inter";
  font-style: normal;
  font-weight: 100 900;
  font-display: swap;
  src: url("inter-${subset}-wght-normal.woff2") format("woff2");
  unicode-range: ${ranges[subset]};
}
`;
  return face("latin-ext") + face("latin");
}

function chartsEntry() {
  return `
    import * as core from "echarts/core";
    import { BarChart, FunnelChart, LineChart, SankeyChart } from "echarts/charts";
    import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
    import { SVGRenderer } from "echarts/renderers";
    core.use([BarChart, FunnelChart, LineChart, SankeyChart,
              AriaComponent, GridComponent, LegendComponent, TooltipComponent, SVGRenderer]);
    export * from "echarts/core";
  `;
}

function icon(name) {
  const svg = readFileSync(`node_modules/@tabler/icons/icons/outline/${name}.svg`, "utf8");
  return svg
    .replace(/<!--[\s\S]*?-->/g, "")
    .replace(/^[\s\S]*?<svg[^>]*>/, "")
    .replace(/<\/svg>\s*$/, "")
    .replace(/\s*<path stroke="none" d="M0 0h24v24H0z" fill="none" \/>/, "")
    .replace(/\s+/g, " ")
    .trim();
}

function licences() {
  const packages = ["@tabler/core", "@tabler/icons", "@fontsource-variable/inter", "htmx.org", "echarts", "zrender"];
  return packages.map((name) => {
    const { version, license } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
    return `${name} ${version}: ${license}\n`;
  }).join("");
}
