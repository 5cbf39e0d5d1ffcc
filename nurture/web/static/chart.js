// Draws the numbers of a table as lines. The table stays below for whoever prefers it.
(() => {
  const draw = (box) => {
    const table = document.getElementById(box.dataset.chart);
    const heads = [...table.tHead.rows[0].cells].slice(1);
    const rows = [...table.tBodies[0].rows];
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const days = rows.map((row) => row.cells[0].textContent.trim());
    const series = heads.map((head, index) => ({
      name: head.textContent.trim(),
      type: "line",
      smooth: 0.35,
      smoothMonotone: "x",
      symbol: "circle",
      symbolSize: 7,
      showSymbol: false,
      lineStyle: { width: index === 0 ? 2.5 : 2 },
      areaStyle: index === 0 ? { opacity: 0.1 } : undefined,
      color: colour(`--chart-${index + 1}`),
      data: rows.map((row) => Number(row.cells[index + 1].dataset.value)),
    }));
    const old = echarts.getInstanceByDom(box);
    if (old) old.dispose();
    const chart = echarts.init(box, null, { renderer: "svg" });
    const text = { color: colour("--chart-text"), fontFamily: "Inter, system-ui, sans-serif", fontSize: 12 };
    chart.setOption({
      animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      animationDuration: 500,
      aria: { enabled: true, label: { description: box.dataset.description } },
      textStyle: text,
      grid: { left: 8, right: 14, top: 16, bottom: 34, containLabel: true },
      legend: { bottom: 0, icon: "circle", itemWidth: 9, itemHeight: 9, itemGap: 18, textStyle: text },
      tooltip: {
        trigger: "axis",
        backgroundColor: colour("--chart-surface"),
        borderColor: colour("--chart-line"),
        textStyle: { ...text, fontSize: 13 },
        axisPointer: { lineStyle: { color: colour("--chart-line"), type: "solid" } },
      },
      xAxis: {
        type: "category", data: days, boundaryGap: false,
        axisLine: { lineStyle: { color: colour("--chart-line") } }, axisTick: { show: false },
        axisLabel: { ...text, hideOverlap: true, margin: 12 },
      },
      yAxis: {
        type: "value", minInterval: 1,
        splitLine: { lineStyle: { color: colour("--chart-line"), opacity: 0.6 } }, axisLabel: text,
      },
      series,
    });
  };
  const boxes = [...document.querySelectorAll("[data-chart]")];
  boxes.forEach(draw);
  document.addEventListener("theme-changed", () => boxes.forEach(draw));
  addEventListener("resize", () => boxes.forEach((box) => echarts.getInstanceByDom(box)?.resize()));
})();
