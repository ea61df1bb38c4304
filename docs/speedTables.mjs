// The tables and the plot of docs/speed.md as functions of the measured numbers.

const million = (speed) => Number(speed.toPrecision(3)).toString();

/** Million events a second of each engine and how many times the rival's that is. */
export function emulatorTable({ rival, machine, emulators }) {
  const engines = Object.keys(emulators[0].millionPerSecond).filter((name) => name !== 'alkaid');
  const rows = emulators.map(({ model, events, millionPerSecond }) => {
    const base = millionPerSecond.alkaid;
    const cells = engines.map((name) => `${million(millionPerSecond[name])} (${(millionPerSecond[name] / base).toFixed(1)} ×)`);
    return `| ${model} | ${events.toLocaleString('en').replaceAll(',', ' ')} | ${million(base)} | ${cells.join(' | ')} |`;
  });
  return [`| model | events a call | ${rival.replace('==', ' ')} | ${engines.join(' | ')} |`, `|---|--:|--:|${engines.map(() => '--:').join('|')}|`, ...rows, '', `One core of ${machine}.`].join('\n');
}

/** Operations below this are start-up. */
const LEAST_OPERATIONS = 5000;

/** Least squares slope of log y against log operations; undefined of fewer than two samples. */
function exponent(samples, key) {
  const large = samples.filter(({ operations }) => operations >= LEAST_OPERATIONS);
  if (large.length < 2) return undefined;
  const points = large.map((sample) => [Math.log(sample.operations), Math.log(sample[key])]);
  const [mx, my] = [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
  return points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0) / points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
}

const modelsOf = (samples) => [...new Set(samples.map(({ model }) => model))];

/** Every run, and the exponents below. */
export function scalingTable(samples) {
  const rows = samples.map(({ model, size, operations, seconds, megabytes }) => `| ${model} | ${size} | ${operations} | ${seconds.toFixed(1)} | ${megabytes} |`);
  const slopes = modelsOf(samples).map((model) => {
    const own = samples.filter((sample) => sample.model === model);
    const [seconds, memory] = ['seconds', 'megabytes'].map((key) => exponent(own, key)?.toFixed(2) ?? '–');
    return `${model}: seconds ∝ operations^${seconds}, memory ∝ operations^${memory}`;
  });
  return ['| model | size | operations | CPU s | MB |', '|---|--:|--:|--:|--:|', ...rows, '', `From ${LEAST_OPERATIONS} operations on: ${slopes.join('; ')}.`].join('\n');
}

const PANELS = [
  { key: 'seconds', title: 'CPU seconds', low: -1, high: 3 },
  { key: 'megabytes', title: 'megabytes', low: 1, high: 4 },
];
const COLOURS = ['#0969da', '#bf3989', '#1a7f37'];

/** Both quantities against operations, all axes logarithmic, as SVG; the grey line is proportional to operations. */
export function scalingPlot(samples) {
  const [low, high] = [2, 6];
  const [width, height, left, top] = [330, 230, 48, 28];
  const panels = PANELS.map((panel, i) => {
    const x0 = left + i * (width + 80);
    const x = (operations) => x0 + ((Math.log10(operations) - low) / (high - low)) * width;
    const y = (value) => top + height - ((Math.log10(value) - panel.low) / (panel.high - panel.low)) * height;
    const vertical = Array.from({ length: high - low + 1 }, (_, k) => `<path class="g" d="M${x(10 ** (low + k))} ${top}v${height}"/><text x="${x(10 ** (low + k))}" y="${top + height + 16}" text-anchor="middle">10<tspan dy="-5" font-size="8">${low + k}</tspan></text>`);
    const horizontal = Array.from({ length: panel.high - panel.low + 1 }, (_, k) => `<path class="g" d="M${x0} ${y(10 ** (panel.low + k))}h${width}"/><text x="${x0 - 6}" y="${y(10 ** (panel.low + k)) + 4}" text-anchor="end">${10 ** (panel.low + k)}</text>`);
    const lines = modelsOf(samples).map((model, m) => {
      const own = samples.filter((sample) => sample.model === model).map((sample) => [x(sample.operations), y(sample[panel.key])].map((n) => n.toFixed(1)));
      return `<polyline points="${own.join(' ')}" fill="none" stroke="${COLOURS[m]}" stroke-width="1.5"/>${own.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3" fill="${COLOURS[m]}"/>`).join('')}`;
    });
    const decades = Math.min(high - low, panel.high - panel.low);
    const linear = `<path d="M${x(10 ** low)} ${y(10 ** panel.low)}L${x(10 ** (low + decades))} ${y(10 ** (panel.low + decades))}" stroke="#8c959f" stroke-dasharray="4 3"/>`;
    return `<text x="${x0}" y="${top - 10}" font-weight="bold">${panel.title}</text>${vertical.join('')}${horizontal.join('')}${linear}${lines.join('')}<text x="${x0 + width / 2}" y="${top + height + 34}" text-anchor="middle">operations</text>`;
  });
  const legend = modelsOf(samples).map((model, m) => `<circle cx="${left + 8 + 110 * m}" cy="${top + height + 52}" r="4" fill="${COLOURS[m]}"/><text x="${left + 17 + 110 * m}" y="${top + height + 56}">${model}</text>`).join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${2 * width + 80 + left + 16} ${top + height + 68}" font-family="sans-serif" font-size="11" fill="#57606a"><style>.g{stroke:#d0d7de;stroke-width:.5}</style>${panels.join('')}${legend}</svg>\n`;
}
