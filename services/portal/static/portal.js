// 门户增强脚本（自有代码，无依赖）。没有它，所有页面也能用：链接照跳、表单照交。
// 约定：data-nav 侧栏开合；data-large 大字版；data-confirm 二次确认；data-swap 局部刷新；
//       data-cascade 地市→区县联动；data-count 字数；data-live 待办与消息角标。
'use strict';
(() => {
  const $ = (s, r = document) => r.querySelector(s);
  const root = document.documentElement;
  const tt = window.trustedTypes && trustedTypes.createPolicy('portal', { createHTML: s => s });
  const html = s => (tt ? tt.createHTML(s) : s);
  try { if (localStorage.getItem('large') === '1') root.classList.add('large'); } catch { /* 隐私模式 */ }

  document.addEventListener('click', e => {
    const t = e.target.closest('[data-nav],[data-large],[data-confirm],[data-fill]');
    if (!t) { document.querySelectorAll('details.menu[open]').forEach(d => d.contains(e.target) || d.removeAttribute('open')); return; }
    if (t.matches('[data-nav]')) t.setAttribute('aria-expanded', document.body.classList.toggle('nav-open'));
    if (t.matches('[data-large]')) {
      const on = root.classList.toggle('large');
      t.setAttribute('aria-pressed', on);
      try { localStorage.setItem('large', on ? '1' : '0'); } catch { /* 同上 */ }
    }
    if (t.matches('[data-confirm]') && !confirm(t.dataset.confirm)) e.preventDefault();
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
      box.innerHTML = html(await r.text());
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
