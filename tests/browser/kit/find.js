// 找到人看得见的东西：按文字找按钮和链接，按标签找字段，按字样找选项。参数：类别、文字、近旁的文字、是否只要文字完全相同的。
const [kind, words, near, whole] = arguments;
const plain = text => (text || '').replace(/\s+/g, ' ').trim();
const bare = text => plain(text).replace(/\s*\*$/, '');
const shown = e => e.getBoundingClientRect().width > 2 && getComputedStyle(e).visibility !== 'hidden';
// 完全相同：包括或者不包括只读给人听的那部分文字
const seen = e => { const copy = e.cloneNode(true); copy.querySelectorAll('.vh,[aria-hidden=true]').forEach(part => part.remove()); return plain(copy.textContent); };
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
  const exact = nearest.find(one => one[0] === words) || nearest.find(one => seen(one[1]) === words);
  return whole ? exact : exact || nearest.find(one => one[0].startsWith(words)) || nearest[0];
};
const fields = [
  ...[...document.querySelectorAll('label')].filter(l => l.control).map(l => [bare(l.innerText), l.control]),
  ...all('input[aria-label],select[aria-label],textarea[aria-label]', e => e.ariaLabel),
];
const ticked = e => /^(radio|checkbox)$/.test(e.type);
const free = list => list.filter(([, e]) => shown(e) && !e.disabled);
const found = best({
  press: () => free(all('a[href],button,summary,input[type=submit],[role=tab]', e => e.innerText || e.value || e.ariaLabel)),
  menu: () => free(all('nav.side a[href]', e => e.innerText)),
  field: () => fields.filter(([, e]) => !ticked(e)),
  choice: () => fields.filter(([, e]) => ticked(e)),
}[kind]());
return found ? found[1] : null;
