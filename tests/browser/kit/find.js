// 找到人看得见的东西：按文字找按钮和链接，按标签找字段，按字样找选项。参数：类别、文字、近旁的文字。
const [kind, words, near] = arguments;
const plain = text => (text || '').replace(/\s+/g, ' ').trim();
const bare = text => plain(text).replace(/\s*\*$/, '');
const shown = e => e.getBoundingClientRect().width > 2 && getComputedStyle(e).visibility !== 'hidden';
const all = (selector, text) => [...document.querySelectorAll(selector)].map(e => [plain(text(e)), e]);
// 离近旁文字越近越好：同一行胜过同一张卡片
const away = e => {
  let steps = 0;
  for (let box = e; near && box; box = box.parentElement, steps += 1) if (plain(box.innerText).includes(near)) return steps;
  return near ? Infinity : 0;
};
const best = list => {
  const close = list.map(([text, e]) => [text, e, away(e)]).filter(one => one[2] < Infinity).sort((a, b) => a[2] - b[2]);
  return close.find(one => one[0] === words) || close.find(one => one[0].startsWith(words)) || close.find(one => one[0].includes(words));
};
const fields = [
  ...[...document.querySelectorAll('label')].filter(l => l.control).map(l => [bare(l.innerText), l.control]),
  ...all('input[aria-label],select[aria-label],textarea[aria-label]', e => e.ariaLabel),
];
const ticked = e => /^(radio|checkbox)$/.test(e.type);
const found = best({
  press: () => all('a[href],button,summary,input[type=submit],[role=tab]', e => e.innerText || e.value || e.ariaLabel)
    .filter(([, e]) => shown(e) && !e.disabled),
  field: () => fields.filter(([, e]) => !ticked(e)),
  choice: () => fields.filter(([, e]) => ticked(e)),
}[kind]());
return found ? found[1] : null;
