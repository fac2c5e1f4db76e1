// 门户增强脚本（自有代码，无依赖）。没有它，所有页面也能用：链接照跳、表单照交。
// 约定：data-nav 侧栏开合；data-large 大字版；data-confirm 二次确认；data-swap 局部刷新；
//       data-cascade 地市→区县联动；data-count 字数；data-live 待办与消息角标；data-upload 多文件上传；data-autosave 自动保存草稿；
//       data-material 审核工作区的材料，J/K 换项、A/R 标记、Ctrl+Enter 提交。
'use strict';
(() => {
  const $ = (s, r = document) => r.querySelector(s);
  const root = document.documentElement;
  const tt = window.trustedTypes && trustedTypes.createPolicy('portal', { createHTML: s => s });
  const html = s => (tt ? tt.createHTML(s) : s);
  try { if (localStorage.getItem('large') === '1') root.classList.add('large'); } catch { /* 隐私模式 */ }

  document.addEventListener('click', e => {
    const t = e.target.closest('[data-nav],[data-large],[data-confirm],[data-fill],[data-print]');
    if (!t) { document.querySelectorAll('details.menu[open]').forEach(d => d.contains(e.target) || d.removeAttribute('open')); return; }
    if (t.matches('[data-nav]')) t.setAttribute('aria-expanded', document.body.classList.toggle('nav-open'));
    if (t.matches('[data-large]')) {
      const on = root.classList.toggle('large');
      t.setAttribute('aria-pressed', on);
      try { localStorage.setItem('large', on ? '1' : '0'); } catch { /* 同上 */ }
    }
    if (t.matches('[data-confirm]') && !confirm(t.dataset.confirm)) e.preventDefault();
    if (t.matches('[data-print]')) print();
    if (t.matches('[data-fill]')) { const a = $(t.dataset.fill); a.value += (a.value ? '；' : '') + t.textContent; a.dispatchEvent(new Event('input', { bubbles: true })); a.focus(); }
  });
  document.addEventListener('keydown', e => {
    if (e.key === 'Escape') { document.body.classList.remove('nav-open'); document.querySelectorAll('details.menu[open]').forEach(d => d.removeAttribute('open')); }
  });

  // 局部刷新：<form data-swap="#list"> / <a data-swap="#list">；服务端见 X-Fragment 头时只返回片段
  async function swap(sel, url, push) {
    const box = $(sel); box.setAttribute('aria-busy', 'true');
    try {
      const r = await fetch(url, { headers: { 'X-Fragment': sel.slice(1) }, credentials: 'same-origin' });
      if (!r.ok || r.redirected) { location.href = url; return; }   // 会话过期等：退回整页
      box.innerHTML = html(await r.text()); arm();
      if (push) history.pushState({ sel }, '', url);
    } catch { location.href = url; } finally { box.removeAttribute('aria-busy'); }
  }
  document.addEventListener('submit', e => {
    const f = e.target.closest('form[data-swap]');
    if (!f || f.method !== 'get') return;
    e.preventDefault();
    swap(f.dataset.swap, `${f.action}?${new URLSearchParams(new FormData(f))}`, true);
  });
  document.addEventListener('click', e => {
    const a = e.target.closest('a[data-swap]');
    if (a && !e.ctrlKey && !e.metaKey && e.button === 0) { e.preventDefault(); swap(a.dataset.swap, a.href, true); }
  });
  addEventListener('popstate', e => { if (e.state && e.state.sel) swap(e.state.sel, location.href, false); });

  document.addEventListener('change', async e => {
    const s = e.target.closest('select[data-cascade]');
    if (!s) return;
    const to = $(s.dataset.cascade); to.disabled = true;
    const rows = await (await fetch(`${s.dataset.src}?parent=${encodeURIComponent(s.value)}`)).json();
    to.replaceChildren(new Option('请选择区县', ''), ...rows.map(r => new Option(r.name, r.code)));
    to.disabled = false;
  });
  document.addEventListener('input', e => {
    const c = e.target.dataset && e.target.dataset.count;
    if (c) $(c).textContent = `${e.target.value.length} / ${e.target.maxLength}`;
  });
  const es = $('.errsum'); if (es) es.focus();
  // 区县联动可用时，“列出区县”按钮不再需要
  document.querySelectorAll('[data-cascade-button]').forEach(b => { b.hidden = true; b.type = 'button'; });

  const uuid = () => {
    const b = crypto.getRandomValues(new Uint8Array(16)); b[6] = (b[6] & 15) | 64; b[8] = (b[8] & 63) | 128;
    const h = Array.from(b, x => x.toString(16).padStart(2, '0')).join('');
    return [h.slice(0, 8), h.slice(8, 12), h.slice(12, 16), h.slice(16, 20), h.slice(20)].join('-');
  };
  const el = (tag, cls, text) => { const e = document.createElement(tag); if (cls) e.className = cls; if (text) e.textContent = text; return e; };

  // 上传：<form data-upload="#片段">；可同时多个，有进度、取消、重试。大文件分片发送，断线后从已收到的位置续传，
  // 关闭页面后再选同一文件也从断点继续；不能计算摘要时（非安全连接）整份发送，重试用同一请求编号
  const LIMIT = 20 * 1024 * 1024, PART = 1024 * 1024, TRIES = 8;
  let running = 0;
  const kept = { get: k => { try { return localStorage.getItem(k); } catch { return null; } }, set: (k, v) => { try { if (v) localStorage.setItem(k, v); else localStorage.removeItem(k); } catch { /* 隐私模式 */ } } };
  const pause = ms => new Promise(done => { const t = setTimeout(done, ms); addEventListener('online', () => { clearTimeout(t); done(); }, { once: true }); });
  async function sendParts(form, file, tell, signal) {
    const sum = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
    const hash = Array.from(sum, x => x.toString(16).padStart(2, '0')).join('');
    const slot = form.elements.slot.value, key = `upload ${form.action} ${slot} ${file.name} ${hash}`;
    const id = kept.get(key) || uuid();
    kept.set(key, id);
    for (let at = -1, tries = 0; ;) {
      const data = new FormData(form); data.delete('file'); data.set('request_id', id);
      for (const [k, v] of Object.entries({ file_name: file.name, size_bytes: file.size, sha256: hash, offset: Math.max(at, 0) })) data.set(k, v);
      if (at >= 0) data.append('part', file.slice(at, at + PART), 'part');   // 先问已收到多少
      let r = null;
      try { r = await fetch(form.action.replace(/files$/, 'parts'), { method: 'POST', headers: { 'X-Fragment': 'upload' }, body: data, credentials: 'same-origin', signal }); }
      catch (e) { if (signal.aborted) throw e; }
      if (r && r.redirected) { location.reload(); return { ok: false, text: '登录已超时，请重新登录后继续上传' }; }
      if (r && r.status < 500 && r.status !== 429) {   // 429：人多，稍后再试
        const text = await r.text();
        if (r.status === 202) { at = Number(text); tries = 0; tell(at); continue; }
        kept.set(key, null);
        return { ok: r.status === 200, text };
      }
      const busy = r && r.status === 429;
      if (++tries > TRIES) return { ok: false, text: busy ? '上传人数较多，请稍后重试，将从断点继续' : '网络中断，请检查网络后重试，将从断点继续' };
      tell(Math.max(at, 0), busy ? '上传人数较多，正在等待' : '网络中断，正在续传');
      await pause(Math.min(1000 * 2 ** tries, 30000));
    }
  }
  function send(form, file, line, id) {
    const bar = el('progress', 'b'), said = el('span', 'sz', '上传中'), stop = el('button', 'lnk', '取消');
    bar.max = 100; bar.value = 0; bar.setAttribute('aria-label', `上传进度 ${file.name}`); stop.type = 'button';
    line.replaceChildren(el('span', 'nm', file.name), bar, said, stop);
    const failed = text => {
      const why = el('span', 'small t-danger', text), again = el('button', 'lnk', '重试');
      why.setAttribute('role', 'alert'); again.type = 'button'; again.onclick = () => send(form, file, line, id);
      line.replaceChildren(el('span', 'nm', file.name), why, again);
    };
    if (file.size > LIMIT) { failed('超过 20 MB，请压缩后上传'); return; }
    const over = () => { running--; if (!running) { const box = form.dataset.upload; if (!document.querySelector('.uploading .t-danger')) swap(box, location.pathname, false); } };
    const done = () => line.replaceChildren(el('span', 'nm', file.name), el('span', 'tag ok', '已上传'));
    running++;
    if (window.crypto && crypto.subtle && file.size > PART) {
      const cut = new AbortController();
      stop.onclick = () => cut.abort();
      const tell = (at, text) => { bar.value = Math.round(at / file.size * 100); said.textContent = text || (at >= file.size - PART ? '检查中' : '上传中'); };
      sendParts(form, file, tell, cut.signal)
        .then(answer => (answer.ok ? done() : failed(answer.text.length < 500 ? answer.text : '上传未成功，请重试')))
        .catch(() => (cut.signal.aborted ? line.remove() : failed('文件无法读取，请重新选择'))).finally(over);
      return;
    }
    const data = new FormData(form); data.delete('file'); data.set('request_id', id); data.append('file', file);
    const x = new XMLHttpRequest();
    x.upload.onprogress = e => { bar.value = Math.round(e.loaded / e.total * 100); if (e.loaded === e.total) said.textContent = '检查中'; };
    x.onload = () => {
      if (x.status === 200 && x.responseText === '已上传') done();
      else if (x.status === 200) location.reload();   // 会话过期等：退回整页
      else failed(x.status < 500 && x.responseText.length < 500 ? x.responseText : '上传未成功，请重试');
      over();
    };
    x.onerror = () => { failed('网络中断，请重试'); over(); };
    x.onabort = () => { line.remove(); over(); };
    stop.onclick = () => x.abort();
    x.open('POST', form.action); x.setRequestHeader('X-Fragment', 'upload'); x.send(data);
  }
  function take(form, files) {
    for (const file of files) { const line = el('div', 'file uploading'); form.before(line); send(form, file, line, uuid()); }
  }
  // 选择文件期间列表可能已刷新：原来的字段不在页面上了，所选文件仍交给同一材料的新表单
  const chosen = i => {
    const forms = [...document.querySelectorAll('form[data-upload]')];
    const form = forms.find(f => f === i.form || f.elements.slot.value === i.form.elements.slot.value);
    if (form && i.files.length) { take(form, [...i.files]); i.value = ''; }
  };
  const arm = () => document.querySelectorAll('form[data-upload] input[type=file]').forEach(i => { i.multiple = true; i.onchange = () => chosen(i); });
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
      busy = fetch(draft.action, { method: 'POST', headers: { 'X-Fragment': 'kept' }, body, credentials: 'same-origin' });
      try {
        const r = await busy;
        if (!r.ok || r.redirected) throw r;
        const said = await r.json(), at = new Date();
        draft.elements.edit_version.value = said.edit_version; draft.elements.request_id.value = said.request_id; last = now;
        told.textContent = `已自动保存 ${String(at.getHours()).padStart(2, '0')}:${String(at.getMinutes()).padStart(2, '0')}`;
      } catch { told.textContent = '有内容尚未保存'; } finally { busy = null; }
    };
    setInterval(keep, 30000);
    draft.addEventListener('focusout', keep);
    draft.addEventListener('submit', async e => {
      if (busy) { e.preventDefault(); const by = e.submitter; try { await busy; } catch { /* 提交时会再说明 */ } setTimeout(() => draft.requestSubmit ? draft.requestSubmit(by) : draft.submit()); return; }
      leaving = true;
    });
    addEventListener('beforeunload', e => { if (!leaving && seen() !== last) e.preventDefault(); });
  }

  // 审核工作区：键盘操作列在“?”下，输入文字时不起作用
  const items = [...document.querySelectorAll('[data-material]')];
  const mark = (item, value) => { const r = $(`input[value="${value}"]`, item); if (r) { r.checked = true; tally(); } };
  const tally = () => {
    const n = $('[data-marked]');
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
    document.addEventListener('click', e => {
      const a = e.target.closest('a[target="viewer"]');
      if (!a) return;
      choose(a.closest('[data-material]'));
      $('[data-viewing]').textContent = a.firstChild.textContent;
      const original = $('[data-original]');
      if (original) original.href = a.href.replace('/preview', '/original');
    });
    document.addEventListener('keydown', e => {
      if (e.ctrlKey && e.key === 'Enter') { const b = $('[data-submit]'); if (b) b.click(); return; }
      if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest('textarea,select,input:not([type=radio]):not([type=checkbox])')) return;
      const at = items.findIndex(i => i.hasAttribute('aria-current'));
      const key = e.key.toLowerCase();
      if (key === 'j' || key === 'k') {
        const to = items[key === 'j' ? at + 1 : at - 1];
        if (!to) return;
        choose(to);
        const a = $('a[target="viewer"]', to);
        if (a) a.click();
      } else if (key === 'a' && at >= 0) mark(items[at], 'ok');
      else if (key === 'r' && at >= 0) mark(items[at], 'bad');
      else if (key === '?') { const k = $('#keys'); if (k) { k.open = !k.open; k.scrollIntoView({ block: 'nearest' }); } }
    });
  }

  // 角标：页面可见时跟随服务端推送；服务端到时会要求休息，有操作再继续
  const url = document.body.dataset.live;
  let source = null;
  const rest = () => { if (source) { source.close(); source = null; } };
  const show = (name, n) => document.querySelectorAll(`[data-badge="${name}"]`).forEach(b => {
    b.hidden = n === 0;
    const text = b.querySelector('[data-n]');
    if (text) text.textContent = n > 1000 ? '1,000+' : n;
  });
  const follow = () => {
    if (!url || source || document.hidden || !window.EventSource) return;
    source = new EventSource(url);
    source.addEventListener('counts', e => { const c = JSON.parse(e.data); show('tasks', c.tasks); show('messages', c.messages); });
    source.addEventListener('rest', rest);
    source.onerror = () => { if (source && source.readyState === EventSource.CLOSED) rest(); };
  };
  document.addEventListener('visibilitychange', () => (document.hidden ? rest() : follow()));
  for (const deed of ['pointerdown', 'keydown']) document.addEventListener(deed, follow, { passive: true });
  addEventListener('pagehide', rest);
  follow();
})();
