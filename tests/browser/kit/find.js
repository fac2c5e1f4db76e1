// 找到人看得见的东西：按文字找按钮和链接，按标签找字段，按字样找选项。参数：类别、文字、近旁的文字。
const [kind, words, near] = arguments;
const plain = text => (text || '').replace(/\s+/g, ' ').trim();
const bare = text => plain(text).replace(/\s*\*$/, '');
const shown = e => e.getBoundingClientRect().width > 2 && getComputedStyle(e).visibility !== 'hidden';
const all = (selector, text) => [...document.querySelectorAll(selector)].map(e => [plain(text(e)), e]);
// 近旁文字所在的盒子越小越近：同一行胜过同一张卡片，同一张卡片胜过整页
const away = e => {
  for (let box = e; near && box; box = box.parentElement) { const text = plain(box.innerText); if (text.includes(near)) return text.length; }
  return near ? Infinity : 0;
};
const best = list => {
  const close = list.filter(([text]) => text.includes(words)).map(([text, e]) => [text, e, away(e)]);
  const least = Math.min(...close.map(one => one[2]));
  const nearest = least < Infinity ? close.filter(one => one[2] === least) : [];
  return nearest.find(one => one[0] === words) || nearest.find(one => one[0].startsWith(words)) || nearest[0];
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
