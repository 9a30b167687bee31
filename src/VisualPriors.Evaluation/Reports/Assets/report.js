// Read-outs of the line charts: the nearest value of every curve under the pointer. Everything else in the page is still.
for (const figure of document.querySelectorAll('figure.chart')) {
  const source = figure.querySelector('script');
  if (!source) continue;
  const data = JSON.parse(source.textContent);
  const readout = figure.querySelector('.readout');
  const nearest = (points, x) => points.reduce((best, point) => Math.abs(point[0] - x) < Math.abs(best[0] - x) ? point : best);
  for (const svg of figure.querySelectorAll('svg')) {
    const { left, right } = svg.dataset;
    const cross = svg.querySelector('.cross');
    const span = data.maximum - data.minimum || 1;
    const hide = () => { readout.hidden = true; cross.setAttribute('visibility', 'hidden'); };
    svg.addEventListener('pointerleave', hide);
    svg.addEventListener('pointermove', event => {
      const box = svg.getBoundingClientRect();
      const at = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
      const share = (at - left) / (right - left);
      if (share < -0.02 || share > 1.02) return hide();
      const x = data.minimum + Math.min(1, Math.max(0, share)) * span;
      readout.replaceChildren(`${Math.round(x).toLocaleString('en')} ${data.unit}`, ...data.series.filter(series => series.points.length).map(series => {
        const row = document.createElement('span');
        row.className = series.colour;
        row.append(document.createElement('i'), `${series.name} `, Object.assign(document.createElement('b'), { textContent: nearest(series.points, x)[1].toFixed(3) }));
        return row;
      }));
      readout.hidden = false;
      cross.setAttribute('x1', at);
      cross.setAttribute('x2', at);
      cross.setAttribute('visibility', 'visible');
      const offset = event.clientX - figure.getBoundingClientRect().left;
      readout.style.left = `${Math.min(offset + 14, figure.clientWidth - readout.offsetWidth)}px`;
    });
  }
}
