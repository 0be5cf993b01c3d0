// Pictures of a game: D's surface, G's map, points and pulls, histograms, curves. Each paints one canvas.

const bytes = (colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));

/** D's surface: blue where D says real, orange where it says fake. */
export function paintHeat({ pen, width, height }, shade, n, colours) {
  const small = document.createElement('canvas');
  small.width = small.height = n;
  const image = new ImageData(n, n), [paper, real, fake] = [colours.paper, colours.D, colours.G].map(bytes);
  shade.forEach((s, i) => {
    const towards = s > 0 ? real : fake, part = 0.7 * Math.min(1, Math.abs(s));
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = paper[c] + part * (towards[c] - paper[c]);
    image.data[4 * i + 3] = 255;
  });
  small.getContext('2d').putImageData(image, 0, 0);
  pen.imageSmoothingEnabled = true;
  pen.drawImage(small, 0, 0, width, height);
}

const toScreen = ({ width, height }, reach) => (x, y) => [(x / reach + 1) / 2 * width, (1 - y / reach) / 2 * height];

/** Points: real ones as squares, fakes as discs, each with a rim that stands out from D's surface. */
export function paintPoints(plane, points, reach, colour, rim, isSquare) {
  const { pen } = plane, place = toScreen(plane, reach);
  [pen.fillStyle, pen.strokeStyle, pen.lineWidth] = [colour, rim, 0.8];
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = place(points[i], points[i + 1]);
    pen.beginPath();
    if (isSquare) pen.rect(x - 2.2, y - 2.2, 4.4, 4.4);
    else pen.arc(x, y, 2.8, 0, 7);
    pen.fill();
    pen.stroke();
  }
}

/** G's map: where the lines of a grid in the plane of z end up. */
export function paintMap(plane, points, n, reach, colour) {
  const { pen } = plane, place = toScreen(plane, reach);
  [pen.strokeStyle, pen.lineWidth] = [colour, 0.7];
  pen.beginPath();
  for (const [step, next] of [[1, n], [n, 1]]) {
    for (let line = 0; line < n; line++) {
      for (let i = 0; i < n; i++) {
        const at = 2 * (line * next + i * step), [x, y] = place(points[at], points[at + 1]);
        if (i) pen.lineTo(x, y); else pen.moveTo(x, y);
      }
    }
  }
  pen.stroke();
}

/** Where G's loss pulls the fakes; the longest arrow has a fixed length. */
export function paintPulls(plane, points, pulls, reach, colour) {
  const { pen } = plane, place = toScreen(plane, reach);
  let longest = 1e-12;
  for (let i = 0; i < pulls.length; i += 2) longest = Math.max(longest, Math.hypot(pulls[i], pulls[i + 1]));
  [pen.strokeStyle, pen.lineWidth] = [colour, 1.2];
  pen.beginPath();
  for (let i = 0; i < pulls.length; i += 2) {
    const [x, y] = place(points[i], points[i + 1]), [u, v] = [pulls[i] * 26 / longest, -pulls[i + 1] * 26 / longest];
    if (Math.hypot(u, v) < 2) continue;
    const angle = Math.atan2(v, u);
    pen.moveTo(x, y);
    pen.lineTo(x + u, y + v);
    for (const turn of [2.6, -2.6]) {
      pen.moveTo(x + u, y + v);
      pen.lineTo(x + u + 4.5 * Math.cos(angle + turn), y + v + 4.5 * Math.sin(angle + turn));
    }
  }
  pen.stroke();
}

/** A cross where the keyboard would set the next point. */
export function paintCross(plane, [x, y], reach, colour) {
  const { pen } = plane, [u, v] = toScreen(plane, reach)(x, y);
  [pen.strokeStyle, pen.lineWidth] = [colour, 1.5];
  pen.strokeRect(u - 5, v - 5, 10, 10);
}

function start({ pen, width, height }, colours, title) {
  pen.fillStyle = colours.paper;
  pen.fillRect(0, 0, width, height);
  pen.fillStyle = colours.ink;
  pen.font = '12px system-ui, sans-serif';
  pen.fillText(title, 8, 15);
}

const short = (v) => Number(v.toPrecision(3)).toString();

/** The frame of a plot: its box below the title, with the ends of both ranges written beside it. */
function frame(plot, colours, [x0, x1], [y0, y1]) {
  const { pen, width, height } = plot, box = { left: 40, right: width - 8, top: 26, bottom: height - 20 };
  pen.strokeStyle = colours.soft;
  pen.lineWidth = 1;
  pen.strokeRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
  pen.fillStyle = colours.ink;
  pen.font = '11px system-ui, sans-serif';
  pen.textAlign = 'right';
  pen.fillText(short(y1), box.left - 4, box.top + 9);
  pen.fillText(short(y0), box.left - 4, box.bottom);
  pen.fillText(short(x1), box.right, height - 6);
  pen.textAlign = 'left';
  pen.fillText(short(x0), box.left, height - 6);
  return {
    x: (v) => box.left + (v - x0) / (x1 - x0 || 1) * (box.right - box.left),
    y: (v) => box.bottom - (v - y0) / (y1 - y0 || 1) * (box.bottom - box.top),
  };
}

/** Texts in the colours of what they name, from the right end of the title's line. */
function legend({ pen, width }, entries) {
  let right = width - 8;
  pen.textAlign = 'right';
  for (const [text, colour] of entries) {
    pen.fillStyle = colour;
    pen.fillText(text, right, 15);
    right -= pen.measureText(text).width + 6;
    pen.fillRect(right - 6, 7, 8, 8);
    right -= 16;
  }
  pen.textAlign = 'left';
}

/** Two histograms of D's answers over one range: on real points filled, on fakes as an outline. */
export function paintHistogram(plot, real, fake, [low, high], title, colours) {
  const bins = 24, { pen } = plot, share = (values) => {
    const counts = new Float64Array(bins);
    for (const v of values) {
      counts[Math.max(0, Math.min(bins - 1, Math.floor((v - low) / (high - low || 1) * bins)))] += 1 / values.length;
    }
    return counts;
  };
  const shares = [share(real), share(fake)], top = Math.max(...shares[0], ...shares[1], 0.1);
  start(plot, colours, title);
  legend(plot, [['fake', colours.fake], ['real', colours.real]]);
  const to = frame(plot, colours, [low, high], [0, top]), edge = (i) => to.x(low + i * (high - low) / bins);
  pen.fillStyle = colours.real;
  shares[0].forEach((s, i) => pen.fillRect(edge(i), to.y(s), edge(1) - edge(0), to.y(0) - to.y(s)));
  [pen.strokeStyle, pen.lineWidth] = [colours.fake, 2];
  pen.beginPath();
  shares[1].forEach((s, i) => { pen.lineTo(edge(i), to.y(s)); pen.lineTo(edge(i + 1), to.y(s)); });
  pen.stroke();
}

/** Both losses over rounds or epochs: D's as a line, G's dashed. The plot spans `all`, of which `history` is shown. */
export function paintCurves(plot, history, colours, unit = 'rounds', all = history) {
  const { pen } = plot;
  start(plot, colours, `losses over ${unit}`);
  legend(plot, [['G', colours.G], ['D', colours.D]]);
  if (!all.length) return;
  const values = all.flatMap(({ d, g }) => [d, g]).filter(Number.isFinite);
  const to = frame(plot, colours, [all[0].round, all[all.length - 1].round], [Math.min(...values, 0), Math.max(...values, 0)]);
  pen.lineWidth = 1.5;
  for (const [key, colour, dash] of [['d', colours.D, []], ['g', colours.G, [5, 3]]]) {
    pen.strokeStyle = colour;
    pen.setLineDash(dash);
    pen.beginPath();
    for (const row of history) pen.lineTo(to.x(row.round), to.y(row[key]));
    pen.stroke();
  }
  pen.setLineDash([]);
}
