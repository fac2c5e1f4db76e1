// 门户增强脚本（自有代码，无依赖）。没有它，所有页面也能用：链接照跳、表单照交。
// 约定：data-nav 侧栏开合；data-large 大字版；data-confirm 二次确认；data-swap 局部刷新；data-session 登录还能保持的秒数；
//       data-cascade 地市→区县联动；data-count 字数；data-live 待办与消息角标；data-upload 多文件上传；data-autosave 自动保存草稿；
//       data-all 全选本页；data-money 金额大写；data-key 键盘操作，P/N 上一件、下一件；data-said 说给读屏软件的一处，data-sum 刷新后说的话；
//       有改动的表单未提交就离开时先问；data-material 审核工作区的材料，J/K 换项、A/R 标记（data-mark 显示）、Ctrl+Enter 提交。
'use strict';
(() => {
  const $ = (s, r = document) => r.querySelector(s);
  const root = document.documentElement;
  const tt = window.trustedTypes && trustedTypes.createPolicy('portal', { createHTML: s => s });
  const html = s => (tt ? tt.createHTML(s) : s);
  const el = (tag, cls, text) => { const e = document.createElement(tag); if (cls) e.className = cls; if (text) e.textContent = text; return e; };
  const kept = { get: k => { try { return localStorage.getItem(k); } catch { return null; } }, set: (k, v) => { try { if (v) localStorage.setItem(k, v); else localStorage.removeItem(k); } catch { /* 隐私模式 */ } } };

  // 角落里的提示，不移动页面上的内容；同类只留一条
  const notes = {};
  const hush = role => { if (notes[role]) { notes[role].remove(); notes[role] = null; } };
  function say(role, text, label, deed) {
    hush(role);
    const box = el('div', 'note warn tell'), b = el('button', 'btn sm', label);
    box.setAttribute('role', role); b.type = 'button'; b.onclick = deed;
    box.append(el('p', '', text)); if (label) box.append(b);
    document.body.append(notes[role] = box);
  }

  // 上传的进展说给读屏软件：写在局部刷新之外、一直在页面上的一处
  const hear = text => { const to = $('[data-said]'); if (to) to.textContent = text; };

  // 登录时限：每次请求重新计时，其他标签页的操作经 localStorage 得知；到时前 2 分钟提醒
  const span = Number(document.body.dataset.session);
  let ends = 0, timer = 0;
  const watch = () => { clearTimeout(timer); hush('alert'); timer = setTimeout(warn, Math.max(ends - Date.now() - 120000, 0)); };
  const used = (left = span) => { if (span) { ends = Date.now() + left * 1000; kept.set('session', String(ends)); watch(); } };
  const over = () => say('alert', '登录已超时，请重新登录后继续');
  function warn() {
    if (Date.now() >= ends) { over(); return; }
    timer = setTimeout(warn, ends - Date.now());
    say('alert', '登录将在 2 分钟后超时', '继续使用', async () => {
      try {
        const r = await fetch('/session', { headers: { 'X-Fragment': 'session' }, credentials: 'same-origin' });
        if (!r.ok || r.redirected) { over(); return; }
        const { left } = await r.json();
        if (left > 120) used(left); else say('alert', '本次登录即将到期，请先保存填写的内容，再重新登录');
      } catch { say('alert', '网络中断，请检查网络后再试', '继续使用', warn); }
    });
  }
  addEventListener('storage', e => { if (span && e.key === 'session' && Number(e.newValue)) { ends = Number(e.newValue); watch(); } });
  document.addEventListener('visibilitychange', () => { if (span && !document.hidden) watch(); });
  used();
  const ask = async (url, how) => { const r = await fetch(url, { credentials: 'same-origin', ...how }); if (r.ok && !r.redirected) used(); return r; };

  document.addEventListener('click', e => {
    const t = e.target.closest('[data-nav],[data-confirm],[data-fill],[data-print]');
    if (!t) { document.querySelectorAll('details.menu[open]').forEach(d => d.contains(e.target) || d.removeAttribute('open')); return; }
    if (t.matches('[data-nav]')) t.setAttribute('aria-expanded', document.body.classList.toggle('nav-open'));
    if (t.matches('[data-confirm]') && !confirm(t.dataset.confirm)) e.preventDefault();
    if (t.matches('[data-print]')) print();
    if (t.matches('[data-fill]')) { const a = $(t.dataset.fill); a.value += (a.value ? '；' : '') + t.textContent; a.dispatchEvent(new Event('input', { bubbles: true })); a.focus(); }
  });
  document.addEventListener('keydown', e => {
    if (e.key === 'Escape') { document.body.classList.remove('nav-open'); document.querySelectorAll('details.menu[open]').forEach(d => d.removeAttribute('open')); }
  });

  // 大字版：不离开本页，填写的内容不丢
  document.addEventListener('submit', e => {
    const f = e.target;
    if (!f.matches('form[data-large]')) return;
    e.preventDefault();
    fetch(f.action, { method: 'POST', headers: { 'X-Fragment': 'large' }, body: new URLSearchParams(new FormData(f)), credentials: 'same-origin' }).catch(() => {});
    const on = root.classList.toggle('large');
    document.querySelectorAll('form[data-large]').forEach(one => { one.elements.large.value = on ? '' : '1'; $('button', one).setAttribute('aria-pressed', on); });
  });

  // 局部刷新：<form data-swap="#list">。取新的一页，换下列表和分类（件数、链接随之更新）；后退、前进时条件也回到网址上的样子
  let latest = 0;
  const bones = () => { const b = el('div', 'card-b stack'); for (const w of ['w3', 'w2', 'w3', 'w1', 'w2', 'w3']) b.append(el('div', `sk ${w}`)); return b; };
  async function renew(sel, url, how) {
    const box = $(sel), turn = ++latest;
    box.setAttribute('aria-busy', 'true');
    const slow = how === 'live' ? 0 : setTimeout(() => box.replaceChildren(bones()), 300);
    const away = () => { if (how !== 'live') location.href = url; };
    try {
      const r = await ask(url);
      const doc = r.ok && !r.redirected && new DOMParser().parseFromString(html(await r.text()), 'text/html');
      if (turn !== latest) return;
      const now = doc && $(sel, doc);
      clearTimeout(slow);
      if (!now) { away(); return; }   // 会话过期等：退回整页
      if (how === 'push') { history.replaceState({ sel }, ''); history.pushState({ sel }, '', url); }
      for (const s of how === 'pop' ? ['.tabs', `form[data-swap="${sel}"]`] : ['.tabs']) if ($(s) && $(s, doc)) $(s).replaceWith($(s, doc));
      box.replaceChildren(...now.childNodes); arm();
    } catch { if (turn === latest) away(); } finally { clearTimeout(slow); if (turn === latest) box.removeAttribute('aria-busy'); }
  }
  // 上传后只取一个片段：服务端见 X-Fragment 头时只返回它
  async function swap(sel, url) {
    const box = $(sel); box.setAttribute('aria-busy', 'true');
    try {
      const r = await ask(url, { headers: { 'X-Fragment': sel.slice(1) } });
      if (!r.ok || r.redirected) { location.href = url; return; }
      const fresh = html(await r.text());
      if (!calm()) return;   // 其间又开始的上传，完成后再刷新
      // 正在填写、还没有保存的文字留下
      const typed = [...box.querySelectorAll('textarea[id],input.in[id],select[id]')].filter(altered).map(i => [i.id, i.value]);
      // 焦点回到同一字段；没有编号的（取消、下载），回到同一材料的选择文件
      const at = box.contains(document.activeElement) && document.activeElement;
      const near = at && (at.id ? at : $('[data-upload] [type=file]', at.closest('.files') || box));
      box.innerHTML = fresh; arm();
      for (const [id, value] of typed) { const i = document.getElementById(id); if (i) i.value = value; }
      const again = near && document.getElementById(near.id), sum = $('[data-sum]', box);
      if (again) again.focus({ preventScroll: true });
      if (sum) hear(sum.textContent);
    } catch { location.href = url; } finally { box.removeAttribute('aria-busy'); }
  }
  document.addEventListener('submit', e => {
    const f = e.target.closest('form[data-swap]');
    if (!f || f.method !== 'get') return;
    e.preventDefault();
    renew(f.dataset.swap, `${f.action}?${new URLSearchParams(new FormData(f))}`, 'push');
  });
  addEventListener('popstate', e => { if (e.state && e.state.sel) renew(e.state.sel, location.href, 'pop'); });

  // 提交：按钮保持宽度、显示“正在提交…”，不能再按；回到本页（或只是下载）时复原
  const sent = new Map();
  // Safari 15.4 以前不说按的是哪个按钮
  let pressed = null;
  document.addEventListener('click', e => { pressed = e.target.closest('button'); }, true);
  const button = e => e.submitter || (pressed && pressed.form === e.target ? pressed : null);
  const back = f => { const [b, was] = sent.get(f); sent.delete(f); if (b) { b.replaceChildren(...was); b.disabled = false; b.style.minWidth = ''; } };
  document.addEventListener('submit', e => {
    const f = e.target, b = button(e);
    if (e.defaultPrevented || f.method !== 'post' || f.target || 'download' in f.dataset) return;
    if (sent.has(f)) { e.preventDefault(); return; }
    sent.set(f, [b, b ? [...b.childNodes] : []]);
    if (b) { b.style.minWidth = `${b.offsetWidth}px`; b.replaceChildren('正在提交…'); setTimeout(() => { b.disabled = sent.has(f); }); }
    setTimeout(() => { if (sent.has(f)) back(f); }, 20000);
  });
  addEventListener('pageshow', () => [...sent.keys()].forEach(back));

  // 未提交就离开（链接、键盘 N/P、关闭页面）：改过的 POST 表单先问，被退回重填的也算没有提交。
  // 正在上传的也问。不问：登录；边选边传的上传；大字版；自动保存的草稿另行判断（见下）
  const picks = i => i.type === 'radio' || i.type === 'checkbox';
  const altered = i => {
    if (picks(i)) return i.checked !== i.defaultChecked;
    if (i.type === 'file') return i.files.length > 0;
    if (i.multiple) return [...i.options].some(o => o.selected !== o.defaultSelected);
    if (i.options) return i.selectedIndex !== Math.max([...i.options].findIndex(o => o.defaultSelected), 0);
    return i.value !== i.defaultValue;
  };
  // 被退回的表单，本页就在它的提交地址上（别的按钮提交的，认不出是哪一张，都算）；data-stored：填的就是已保存的内容
  const refused = Boolean($('.errsum,.note[role="alert"]'));
  const here = f => new URL(f.getAttribute('action') || '', location.href).pathname === location.pathname;
  const returned = f => refused && (here(f) || ![...document.querySelectorAll('form[method="post"]')].some(here));
  const holds = i => (picks(i) ? i.checked : i.value !== '') && !('stored' in i.dataset);
  const lost = f => !sent.has(f) && [...f.elements].some(
    i => i.name && i.type !== 'hidden' && i.matches('input,textarea,select') && (altered(i) || (returned(f) && holds(i))));
  addEventListener('beforeunload', e => {
    // 没有人动过的页面，浏览器也不会问
    if (navigator.userActivation && !navigator.userActivation.hasBeenActive) return;
    const forms = document.querySelectorAll('form[method="post"]:not([data-autosave],[data-upload],[data-large],[action="/login"])');
    // 留在本页的，已按下的按钮复原
    if (running > 0 || [...forms].some(lost)) { e.preventDefault(); e.returnValue = ''; setTimeout(() => [...sent.keys()].forEach(back)); }
  });

  // 区县联动可用时，“列出区县”按钮不再需要；取不到区县时它回来
  const lists = hidden => document.querySelectorAll('[data-cascade-button]').forEach(b => { b.hidden = hidden; b.type = hidden ? 'button' : 'submit'; });
  lists(true);
  document.addEventListener('change', async e => {
    const s = e.target.closest('select[data-cascade]');
    if (!s) return;
    const to = $(s.dataset.cascade); to.disabled = true;
    try {
      const r = await ask(`${s.dataset.src}?parent=${encodeURIComponent(s.value)}`);
      if (!r.ok) throw r;
      const rows = await r.json();
      to.replaceChildren(new Option('请选择区县', ''), ...rows.map(r => new Option(r.name, r.code)));
      lists(true);
    } catch { lists(false); } finally { to.disabled = false; }
  });
  document.addEventListener('input', e => {
    const c = e.target.dataset && e.target.dataset.count;
    if (c) $(c).textContent = `${e.target.value.length} / ${e.target.maxLength}`;
  });
  const es = $('.errsum'); if (es) es.focus();

  // 金额大写：与服务端的 entry::fen、format::capitals 一致
  const joined = (n, units, base, word) => {
    let out = '', gap = false;
    for (const [unit, name] of units) {
      const g = Math.floor(n / unit) % base;
      if (!g) { gap = gap || out !== ''; continue; }
      if (out && (gap || (base > 10 && g < 1000))) out += '零';
      out += word(g) + name; gap = false;
    }
    return out;
  };
  const digit = d => '零壹贰叁肆伍陆柒捌玖'[d];
  const below = n => joined(n, [[1000, '仟'], [100, '佰'], [10, '拾'], [1, '']], 10, digit);
  const capitals = text => {
    const plain = text.replace(/[０-９．－]/g, c => c.normalize('NFKC')).replace(/。/g, '.').replace(/[,，\s]/g, '');
    const read = /^(-?)(\d{1,13})(?:\.(\d{0,2}))?$/.exec(plain);
    if (!read) return '';
    const yuan = Number(read[2]), [jiao, rest] = (read[3] || '').padEnd(2, '0').split('').map(Number);
    let out = read[1] && (yuan || jiao || rest) ? '负' : '';
    if (yuan || (!jiao && !rest)) out += (yuan ? joined(yuan, [[1e12, '万亿'], [1e8, '亿'], [1e4, '万'], [1, '']], 1e4, below) : '零') + '元';
    if (!jiao && !rest) return out + '整';
    if (!jiao) return `${out}${yuan ? '零' : ''}${digit(rest)}分`;
    return `${out}${digit(jiao)}角${rest ? `${digit(rest)}分` : '整'}`;
  };
  document.addEventListener('input', e => { if (e.target.matches('[data-money]')) { const words = capitals(e.target.value); $(`#${e.target.id}-capitals`).textContent = words && `大写：${words}`; } });

  // 勾选：表头“全选本页”，按钮旁的件数
  const chosen = () => {
    const said = $('[data-chosen]'), all = $('th[data-all] input');
    if (!said) return;
    const boxes = [...said.closest('form').elements].filter(b => b.name === 'item'), n = boxes.filter(b => b.checked).length;
    said.textContent = `已选 ${n} 件`;
    if (all) { all.checked = n > 0 && n === boxes.length; all.indeterminate = n > 0 && n < boxes.length; all.disabled = !boxes.length; }
  };
  document.addEventListener('change', e => {
    const th = e.target.closest('th[data-all]');
    if (th) for (const b of $(`#${th.dataset.all}`).elements) if (b.name === 'item') b.checked = e.target.checked;
    if (th || e.target.name === 'item') chosen();
  });
  addEventListener('pageshow', chosen);

  const uuid = () => {
    const b = crypto.getRandomValues(new Uint8Array(16)); b[6] = (b[6] & 15) | 64; b[8] = (b[8] & 63) | 128;
    const h = Array.from(b, x => x.toString(16).padStart(2, '0')).join('');
    return [h.slice(0, 8), h.slice(8, 12), h.slice(12, 16), h.slice(16, 20), h.slice(20)].join('-');
  };

  // 上传：<form data-upload="#片段">；可同时多个，三个以外的排队，有进度、取消、重试；断线、人多（429）时自己再试。大文件分片发送，
  // 从已收到的位置续传，关闭页面后再选同一文件也从断点继续；不能计算摘要时（非安全连接）整份发送，重试用同一请求编号
  const LIMIT = 20 * 1024 * 1024, PART = 1024 * 1024, TRIES = 8, ABREAST = 3;
  const waiting = [];
  let running = 0;
  const next = () => { while (running < ABREAST && waiting.length) waiting.shift()(); };
  const calm = () => !running && !$('.uploading .t-danger');
  const pause = (ms, signal) => new Promise(done => { const t = setTimeout(done, ms), go = () => { clearTimeout(t); done(); }; for (const [on, what] of [[window, 'online'], [signal, 'abort']]) on.addEventListener(what, go, { once: true }); });
  const post = (url, body, sent, signal) => new Promise((done, fail) => {
    const x = new XMLHttpRequest();
    x.open('POST', url); x.setRequestHeader('X-Fragment', 'upload');
    x.upload.onprogress = e => sent(e.loaded);
    x.onload = () => done(x); x.onerror = x.onabort = fail;
    signal.addEventListener('abort', () => x.abort());
    x.send(body);
  });
  // 答复的状态和文字；没有等到的，状态为 0
  async function insist(url, body, tell, signal) {
    for (let tries = 1; ; tries++) {
      let x = null;
      if (signal.aborted) throw signal;
      try { x = await post(url, body, tell, signal); } catch (e) { if (signal.aborted) throw e; }
      if (x && x.responseURL !== url) { running = waiting.length = 0; location.reload(); return [0, '登录已超时，请重新登录后继续上传']; }
      const busy = x && x.status === 429;
      if (x && x.status < 500 && !busy) { if (x.status < 300) used(); return [x.status, x.responseText]; }
      if (tries > TRIES) return [0, busy ? '上传人数较多，请稍后重试' : '网络中断，请检查网络后重试'];
      tell(0, busy ? '上传人数较多，正在等待' : '网络中断，正在续传');
      await pause(Math.min(1000 * 2 ** tries, 30000), signal);
    }
  }
  async function sendParts(form, file, tell, signal) {
    const sum = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
    const hash = Array.from(sum, x => x.toString(16).padStart(2, '0')).join('');
    const slot = form.elements.slot.value, key = `upload ${form.action} ${slot} ${file.name} ${hash}`;
    const id = kept.get(key) || uuid();
    kept.set(key, id);
    for (let at = -1; ;) {
      const from = Math.max(at, 0), data = new FormData(form); data.delete('file'); data.set('request_id', id);
      for (const [k, v] of Object.entries({ file_name: file.name, size_bytes: file.size, sha256: hash, offset: from })) data.set(k, v);
      if (at >= 0) data.append('part', file.slice(at, at + PART), 'part');   // 先问已收到多少
      const [status, text] = await insist(form.action.replace(/files$/, 'parts'), data, (n, words) => tell(from + n, words), signal);
      if (status === 202) { at = Number(text); continue; }
      if (status) kept.set(key, null);
      return [status, status ? text : `${text}，将从断点继续`];
    }
  }
  function send(form, file, line, id) {
    const bar = el('progress', 'b'), said = el('span', 'sz', '等待上传'), stop = el('button', 'lnk', '取消');
    bar.max = 100; bar.value = 0; bar.setAttribute('aria-label', `上传进度 ${file.name}`); stop.type = 'button';
    // 换下的按钮正有焦点的，焦点交给换上的按钮，没有时交给选择文件
    const put = (...rest) => {
      const held = line.contains(document.activeElement);
      line.replaceChildren(el('span', 'nm', file.name), ...rest);
      if (held) ($('button', line) || form.elements.file).focus();
    };
    put(bar, said, stop);
    const failed = text => {
      const why = el('span', 'small t-danger', text), again = el('button', 'lnk', '重试');
      why.setAttribute('role', 'alert'); again.type = 'button'; again.onclick = () => send(form, file, line, id);
      put(why, again);
    };
    if (file.size > LIMIT) { failed('超过 20 MB，请压缩后上传'); return; }
    const done = () => { put(el('span', 'tag ok', '已上传')); hear(`${file.name} 已上传`); };
    const cut = new AbortController(), { signal } = cut;
    stop.onclick = () => { cut.abort(); line.remove(); form.elements.file.focus(); };
    const tell = (at, words = at < file.size ? '上传中' : '检查中') => {
      bar.value = Math.round(at / (file.size || 1) * 100);
      if (said.textContent === words) return;
      said.textContent = words;
      if (words !== '上传中') hear(`${file.name} ${words}`);
    };
    waiting.push(() => {
      running++; tell(0);
      const data = new FormData(form); data.delete('file'); data.set('request_id', id); data.append('file', file);
      (window.crypto && crypto.subtle && file.size > PART ? sendParts(form, file, tell, signal) : insist(form.action, data, tell, signal))
        .then(([status, text]) => (status === 200 ? done() : failed(text.length < 500 ? text : '上传未成功，请重试')))
        .catch(() => signal.aborted || failed('文件无法读取，请重新选择'))
        .finally(() => { running--; next(); if (calm()) swap(form.dataset.upload, location.pathname + location.search); });
    });
    next();
  }
  function take(form, files) {
    for (const file of files) { const line = el('div', 'file uploading'); form.before(line); send(form, file, line, uuid()); }
  }
  // 选择文件期间列表可能已刷新：原来的字段不在页面上了，所选文件仍交给同一材料的新表单
  const picked = i => {
    const forms = [...document.querySelectorAll('form[data-upload]')];
    const form = forms.find(f => f === i.form || f.elements.slot.value === i.form.elements.slot.value);
    if (form && i.files.length) { take(form, [...i.files]); i.value = ''; }
  };
  function arm() {
    document.querySelectorAll('form[data-upload] input[type=file]').forEach(i => { i.multiple = true; i.form.classList.add('live'); i.onchange = () => picked(i); });
    document.querySelectorAll('th[data-all]').forEach(th => { const all = el('input'); all.type = 'checkbox'; all.setAttribute('aria-label', '全选本页'); th.replaceChildren(all); });
    chosen();
  }
  arm();
  document.addEventListener('dragover', e => { if (e.target.closest('form[data-upload]')) e.preventDefault(); });
  document.addEventListener('drop', e => {
    const form = e.target.closest('form[data-upload]');
    if (form) { e.preventDefault(); take(form, [...e.dataTransfer.files]); }
  });

  // 自动保存草稿：<form data-autosave>；每 30 秒和离开字段时，有改动才保存；提交前先等保存结束
  const draft = $('form[data-autosave]');
  if (draft) {
    const told = $('[data-kept]', draft);
    const seen = () => new URLSearchParams([...new FormData(draft)].filter(([k]) => !['request_id', 'edit_version', 'form_token'].includes(k))).toString();
    let last = seen(), busy = null, leaving = false;
    const keep = async () => {
      if (busy || leaving || seen() === last) return;
      const now = seen(), body = new URLSearchParams(new FormData(draft)); body.set('act', 'save');
      busy = ask(draft.action, { method: 'POST', headers: { 'X-Fragment': 'kept' }, body });
      try {
        const r = await busy;
        if (r.redirected) { unsaved('登录已超时，', again()); return; }
        if (!r.ok) { unsaved(...await why(r)); return; }
        const said = await r.json(), at = new Date();
        draft.elements.edit_version.value = said.edit_version; draft.elements.request_id.value = said.request_id; last = now;
        if (said.left_out) told.replaceChildren(link(said.left_out, '#coordinates'));
        else told.textContent = `已自动保存 ${String(at.getHours()).padStart(2, '0')}:${String(at.getMinutes()).padStart(2, '0')}`;
      } catch { unsaved('网络中断，稍后自动重试'); } finally { busy = null; }
    };
    // 同样的话不重写：正要按的按钮不动
    const unsaved = (...parts) => { const text = `未自动保存：${parts.map(p => p.textContent || p).join('')}`; if (told.textContent !== text) told.replaceChildren('未自动保存：', ...parts); };
    const link = (text, href) => { const a = el('a', '', text); a.href = href; return a; };
    // 整页提交时，填写的内容随登录页保留，登录后继续
    const again = () => { const b = el('button', 'lnk', '请重新登录'); b.type = 'submit'; b.name = 'act'; b.value = 'save'; return b; };
    const why = async r => {
      if (r.status === 409) return ['内容已被他人更新。', link('刷新查看最新状态', location.href)];
      if (r.status !== 422) return ['系统繁忙，稍后自动重试'];
      const doc = new DOMParser().parseFromString(html(await r.text()), 'text/html'), wrong = $('.errsum li', doc), to = wrong && $('a', wrong);
      return wrong ? [to ? link(to.textContent, to.getAttribute('href')) : wrong.textContent] : ['有内容需要修改'];
    };
    setInterval(keep, 30000);
    draft.addEventListener('focusout', keep);
    draft.addEventListener('submit', async e => {
      if (busy) { e.preventDefault(); const by = button(e); try { await busy; } catch { /* 提交时会再说明 */ } setTimeout(() => hand(by)); return; }
      leaving = true;
    });
    // Safari 15 及以前没有 requestSubmit：按下的按钮改由隐藏字段带上
    const hand = by => {
      if (draft.requestSubmit && (!by || by.form === draft)) { draft.requestSubmit(by); return; }
      if (by) { const i = el('input'); i.type = 'hidden'; i.name = by.name; i.value = by.value; draft.append(i); }
      leaving = true; draft.submit();
    };
    addEventListener('beforeunload', e => { if (!leaving && seen() !== last) { e.preventDefault(); e.returnValue = ''; } });
  }

  // 审核工作区：键盘操作列在“?”下，输入文字时不起作用
  const items = [...document.querySelectorAll('[data-material]')];
  const mark = (item, value) => { const r = $(`input[value="${value}"]`, item); if (r) { r.checked = true; tally(); } };
  const tally = () => {
    const n = $('[data-marked]');
    items.forEach(i => {
      const said = $('[data-mark]', i), on = $('input:checked', i);
      if (!on) { said.replaceChildren(); return; }
      const sign = on.value === 'ok' ? el('span', 't-ok', '✓') : el('span', 't-danger', '✗');
      sign.setAttribute('aria-hidden', 'true');
      said.replaceChildren(sign, el('span', 'vh', on.labels[0].textContent.trim()));
    });
    if (n) n.textContent = `${items.filter(i => $('input:checked', i)).length} / ${items.length} 已核对`;
  };
  const choose = item => {
    if (!item) return;
    items.forEach(i => i.removeAttribute('aria-current'));
    item.setAttribute('aria-current', 'true');
    item.scrollIntoView({ block: 'nearest' });
  };
  if (items.length) {
    tally();
    document.addEventListener('change', e => { if (e.target.closest('[data-material]')) tally(); });
  }
  // 材料预览：点击文件名在框内打开；不在旁边的，滚动到框
  const frame = $('iframe[name="viewer"]'), original = frame && $('[data-original]');
  if (frame) {
    document.addEventListener('click', e => {
      const a = e.target.closest('a[target="viewer"]');
      if (!a) return;
      const item = a.closest('[data-material]');
      if (item) choose(item); else frame.scrollIntoView({ block: 'nearest' });
      $('[data-viewing]').textContent = a.dataset.name || a.firstChild.textContent;
      original.href = a.href.replace('/preview', '/original');
    });
    // 框内已说明查看事由的，下载原件不再问；图片的框不让读地址，仍会再问
    original.addEventListener('click', () => {
      try {
        const at = new URL(frame.contentWindow.location.href), to = new URL(original.href), reason = at.searchParams.get('reason');
        if (!reason || at.pathname.replace('/preview', '/original') !== to.pathname) return;
        to.searchParams.set('reason', reason); original.href = to.href;
      } catch { /* 不是我们的页面 */ }
    });
  }
  // 单个字母的键可以停用，记在本浏览器；没有说明和停用之处的页面上不起作用
  const off = $('#keys input');
  if (off) { off.closest('[hidden]').hidden = false; off.checked = Boolean(kept.get('keys-off')); off.onchange = () => kept.set('keys-off', off.checked && '1'); }
  document.addEventListener('keydown', e => {
    if (e.ctrlKey && e.key === 'Enter') {   // 只提交焦点所在的表单
      const b = $('[data-submit]'), f = e.target.form || e.target.closest('form');
      if (b && (!f || f === b.form)) b.click();
      return;
    }
    if (!off || off.checked || e.ctrlKey || e.metaKey || e.altKey || e.target.closest('textarea,select,input:not([type=radio]):not([type=checkbox])')) return;
    const at = items.findIndex(i => i.hasAttribute('aria-current'));
    const key = e.key.toLowerCase();
    if (key === 'p' || key === 'n') { const a = $(`[data-key=${key}]`); if (a) a.click(); } else if (key === 'j' || key === 'k') {
      const to = items[key === 'j' ? at + 1 : at - 1];
      if (!to) return;
      choose(to);
      const a = $('a[target="viewer"]', to);
      if (a) a.click();
    } else if (key === 'a' && at >= 0) mark(items[at], 'ok');
    else if (key === 'r' && at >= 0) mark(items[at], 'bad');
    else if (key === '?') { const k = $('#keys'); k.open = !k.open; k.scrollIntoView({ block: 'nearest' }); }
  });

  // 角标：页面可见时跟随服务端推送；服务端到时会要求休息，有操作再继续
  const url = document.body.dataset.live;
  let source = null;
  const rest = () => { if (source) { source.close(); source = null; } };
  const show = (name, n) => document.querySelectorAll(`[data-badge="${name}"]`).forEach(b => {
    b.hidden = n === 0;
    const text = b.querySelector('[data-n]');
    if (text) text.textContent = n > 1000 ? '1,000+' : n;
  });
  // 工作台随之更新；正要点击或正用键盘时不动，只提示
  const now = $('#now');
  let told = now && now.dataset.now;
  const fresh = counts => {
    if (!now || counts === told) return;
    told = counts;
    const take = () => { hush('status'); renew('#now', '/workbench', 'live'); };
    if (now.matches(':hover') || now.contains(document.activeElement)) say('status', '有新的待办或消息', '点击刷新', take); else take();
  };
  const follow = () => {
    if (!url || source || document.hidden || !window.EventSource) return;
    source = new EventSource(url);
    source.addEventListener('counts', e => {
      const c = JSON.parse(e.data);
      show('tasks', c.tasks); show('messages', c.messages); if (c.left > 0) used(c.left); fresh(`${c.tasks}/${c.messages}`);
    });
    source.addEventListener('rest', rest);
    source.onerror = () => { if (source && source.readyState === EventSource.CLOSED) rest(); };
  };
  document.addEventListener('visibilitychange', () => (document.hidden ? rest() : follow()));
  for (const deed of ['pointerdown', 'keydown']) document.addEventListener(deed, follow, { passive: true });
  addEventListener('pagehide', rest);
  follow();
})();
