// The table of a report. It draws only the rows that are in sight, so that any number of them opens
// quickly. Text from the report is set with textContent only, so no name can become an element.
'use strict';

(() => {
  // The height of a row in pixels, as in page.css.
  const ROW = 36;
  // Rows that are drawn above and below those in sight.
  const EXTRA = 10;
  // Browsers don't show elements that are higher than some 17 million pixels.
  const MAX_HEIGHT = 8000000;
  // The widths of columns in rem. The path takes what is left, and at least --path.
  const WIDTHS = { status: 8.5, codes: 13, long: 15, short: 6.5, bytes: 6.5 };
  // Rows that are printed at most.
  const MAX_PRINTED = 2000;

  const byId = (id) => document.getElementById(id);
  const element = (name, text, className) => {
    const created = document.createElement(name);
    if (text !== undefined) created.textContent = text;
    if (className) created.className = className;
    return created;
  };

  const source = byId('data');
  const { columns, statuses, noun, badTitle, separator, rows } = JSON.parse(source.textContent);
  source.remove();
  const items = rows.map((cells) => ({ cells, text: null }));
  const statusColumn = columns.find((column) => column.kind === 'status');
  const statusByName = new Map(statuses.map((status) => [status.name, status]));
  const statusOf = (item) => item.cells[statusColumn.cell];

  // Texts

  const number = (count) => count.toLocaleString('en-US');
  const counted = (count) => `${number(count)} ${count === 1 ? noun.one : noun.many}`;
  const bytes = (size) => {
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
    let unit = 0;
    while (size >= 1024 && unit + 1 < units.length) {
      size /= 1024;
      unit += 1;
    }
    return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
  };
  const shown = (cell, column) => {
    if (cell === null) return '';
    if (column.kind === 'bytes') return bytes(cell);
    if (column.kind === 'status') return statusByName.get(cell)?.label ?? cell;
    return String(cell);
  };

  // The choice of rows, which the address keeps after its `#`

  const choice = { words: '', status: '', sort: '', isDescending: false };
  let chosen = items;

  const readAddress = () => {
    const parameters = new URLSearchParams(location.hash.slice(1));
    const known = (name, all) => {
      const value = parameters.get(name) ?? '';
      return all.includes(value) ? value : '';
    };
    choice.words = parameters.get('q') ?? '';
    choice.status = known('status', statuses.map((status) => status.name));
    choice.sort = known('sort', columns.map((column) => column.name));
    choice.isDescending = parameters.get('order') === 'descending';
  };

  const writeAddress = () => {
    const parameters = new URLSearchParams();
    if (choice.words) parameters.set('q', choice.words);
    if (choice.status) parameters.set('status', choice.status);
    if (choice.sort) parameters.set('sort', choice.sort);
    if (choice.sort && choice.isDescending) parameters.set('order', 'descending');
    try {
      history.replaceState(null, '', `#${parameters}`);
    } catch {
      // Some viewers of attachments forbid it. The table works without it.
    }
  };

  const searched = (item) => {
    item.text ??= item.cells.filter((cell) => cell !== null).join('\n').toLowerCase();
    return item.text;
  };

  const choose = () => {
    const words = choice.words.toLowerCase().split(/\s+/).filter(Boolean);
    chosen = items.filter(
      (item) =>
        (!choice.status || statusOf(item) === choice.status) &&
        words.every((word) => searched(item).includes(word)),
    );
    const column = columns.find((column) => column.name === choice.sort);
    if (column) chosen = sorted(chosen, column);
  };

  // Missing cells come last in both orders.
  const sorted = (list, column) => {
    const key = (item) => {
      const cell = item.cells[column.cell];
      return typeof cell === 'string' ? cell.toLowerCase() : cell;
    };
    const sign = choice.isDescending ? -1 : 1;
    const keyed = list.map((item) => [key(item), item]);
    keyed.sort(([a], [b]) => {
      if (a === b) return 0;
      if (a === null) return 1;
      if (b === null) return -1;
      return a < b ? -sign : sign;
    });
    return keyed.map(([, item]) => item);
  };

  // The table

  const box = byId('rows');
  const table = box.appendChild(element('table'));
  const body = table.createTBody();
  const headers = new Map();

  const makeHead = () => {
    const head = table.createTHead().insertRow();
    const group = table.insertBefore(element('colgroup'), table.tHead);
    head.setAttribute('aria-rowindex', '1');
    for (const column of columns) {
      const col = element('col');
      if (column.kind !== 'path') col.style.width = `${WIDTHS[column.kind]}rem`;
      group.append(col);
      const header = element('th', undefined, column.kind);
      header.scope = 'col';
      const button = element('button', column.title);
      button.type = 'button';
      button.addEventListener('click', () => {
        choice.isDescending = choice.sort === column.name && !choice.isDescending;
        choice.sort = column.name;
        update();
      });
      header.append(button);
      head.append(header);
      headers.set(column.name, header);
    }
    const others = columns.filter((column) => column.kind !== 'path');
    const width = others.reduce((sum, column) => sum + WIDTHS[column.kind], 0);
    table.style.minWidth = `calc(var(--path) + ${width}rem)`;
  };

  // A path that is too long loses the end of its folder, and keeps the name of its file.
  const fillPath = (to, path) => {
    const end = path.lastIndexOf(separator) + 1;
    const [folder, file] = [path.slice(0, end), path.slice(end)];
    to.append(element('span', folder, 'folder'), element('span', file, 'file'));
  };

  const makeCell = (item, column) => {
    const cell = item.cells[column.cell];
    const text = shown(cell, column);
    const td = element('td', undefined, column.kind);
    if (column.kind === 'path') {
      const path = element('div');
      fillPath(path, text);
      td.append(path);
    } else if (column.kind === 'status') {
      td.append(element('span', text, `badge ${statusByName.get(cell)?.tone ?? ''}`));
    } else {
      td.textContent = text;
    }
    td.title = column.kind === 'bytes' && cell !== null ? `${number(cell)} bytes` : text;
    return td;
  };

  const makeRow = (item, index) => {
    const row = element('tr');
    row.setAttribute('aria-rowindex', String(index + 2));
    row.append(...columns.map((column) => makeCell(item, column)));
    return row;
  };

  const makeSpace = (height) => {
    const row = element('tr', undefined, 'space');
    row.setAttribute('aria-hidden', 'true');
    const cell = element('td');
    cell.colSpan = columns.length;
    cell.style.height = `${height}px`;
    row.append(cell);
    return row;
  };

  // Returns the first row to draw, the number of rows, and the heights above and below them.
  const windowOf = () => {
    const inSight = Math.ceil(box.clientHeight / ROW) + 1;
    const full = chosen.length * ROW;
    if (full <= MAX_HEIGHT) {
      const first = Math.max(0, Math.floor(box.scrollTop / ROW) - EXTRA);
      const count = Math.min(chosen.length - first, inSight + 2 * EXTRA);
      return { first, count, above: first * ROW, below: full - (first + count) * ROW };
    }
    // Each pixel of the scroll bar stands for more than one pixel of rows.
    const part = Math.min(1, box.scrollTop / (MAX_HEIGHT - box.clientHeight));
    const first = Math.floor(part * (chosen.length - inSight + 2));
    const count = Math.min(chosen.length - first, inSight);
    const above = Math.min(box.scrollTop, MAX_HEIGHT - count * ROW);
    return { first, count, above, below: MAX_HEIGHT - above - count * ROW };
  };

  let drawn = '';
  const draw = () => {
    const { first, count, above, below } = windowOf();
    const state = `${first} ${count} ${above}`;
    if (state === drawn) return;
    drawn = state;
    const inSight = chosen.slice(first, first + count);
    const drawnRows = inSight.map((item, index) => makeRow(item, first + index));
    body.replaceChildren(makeSpace(above), ...drawnRows, makeSpace(below));
  };

  // The controls

  const words = byId('words');
  const buttons = new Map();

  const makeButtons = () => {
    const counts = new Map();
    for (const item of items) counts.set(statusOf(item), (counts.get(statusOf(item)) ?? 0) + 1);
    const add = (name, label, count) => {
      const button = element('button', `${label} `);
      button.type = 'button';
      button.append(element('span', number(count), 'count'));
      button.addEventListener('click', () => {
        choice.status = name;
        update();
      });
      buttons.set(name, button);
      byId('statuses').append(button);
    };
    add('', 'All', items.length);
    for (const { name, label } of statuses) {
      if (counts.has(name)) add(name, label, counts.get(name));
    }
  };

  const showChoice = () => {
    if (words.value !== choice.words) words.value = choice.words;
    for (const [name, button] of buttons) {
      button.setAttribute('aria-pressed', String(name === choice.status));
    }
    for (const [name, header] of headers) {
      header.removeAttribute('aria-sort');
      if (name === choice.sort) {
        header.setAttribute('aria-sort', choice.isDescending ? 'descending' : 'ascending');
      }
    }
    byId('shown').textContent =
      chosen.length === items.length
        ? `Showing ${items.length > 1 ? 'all ' : ''}${counted(items.length)}`
        : `Showing ${number(chosen.length)} of ${counted(items.length)}`;
    table.setAttribute('aria-rowcount', String(chosen.length + 1));
    byId('nothing').hidden = chosen.length > 0;
    box.hidden = chosen.length === 0;
  };

  const show = () => {
    choose();
    showChoice();
    box.scrollTop = 0;
    drawn = '';
    draw();
  };

  const update = () => {
    writeAddress();
    show();
  };

  // Printing

  const makePrinted = () => {
    const isFiltered = choice.words !== '' || choice.status !== '';
    const isBad = (item) => statusByName.get(statusOf(item))?.tone === 'bad';
    const all = isFiltered ? chosen : chosen.filter(isBad);
    const printed = byId('printed');
    printed.replaceChildren();
    if (all.length === 0) return;
    const title = isFiltered ? `Selected ${noun.many}` : badTitle;
    const copy = element('table');
    const head = copy.createTHead().insertRow();
    const kept = columns.filter((column) => column.isPrinted);
    head.append(...kept.map((column) => element('th', column.title, column.kind)));
    const copyBody = copy.createTBody();
    for (const item of all.slice(0, MAX_PRINTED)) {
      const row = copyBody.insertRow();
      for (const column of kept) {
        row.append(element('td', shown(item.cells[column.cell], column), column.kind));
      }
    }
    printed.append(element('h2', title), copy);
    if (all.length > MAX_PRINTED) {
      const more = number(all.length - MAX_PRINTED);
      const where = 'The page in a browser shows all of them.';
      printed.append(element('p', `${more} more are not printed. ${where}`));
    }
  };

  makeHead();
  makeButtons();
  readAddress();
  document.documentElement.classList.add('scripted');
  byId('explorer').hidden = items.length === 0;
  show();

  words.addEventListener('input', () => {
    choice.words = words.value;
    update();
  });
  byId('clear').addEventListener('click', () => {
    choice.words = '';
    choice.status = '';
    update();
    words.focus();
  });
  for (const link of document.querySelectorAll('a.filter')) {
    link.addEventListener('click', () => byId('explorer').scrollIntoView());
  }
  box.addEventListener('scroll', () => requestAnimationFrame(draw), { passive: true });
  // The first rows make the table higher, and then there is space for more.
  new ResizeObserver(draw).observe(box);
  addEventListener('hashchange', () => {
    readAddress();
    show();
  });
  addEventListener('beforeprint', makePrinted);
})();
