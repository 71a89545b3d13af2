/** The page's style: paper and ink, one red like a teacher's pen. Light and dark follow the reader's system; phones get one column. */
import { Markup } from './escape.ts'

export const style = new Markup(`
:root{color-scheme:light dark;--paper:#faf8f3;--card:#fff;--ink:#23211d;--soft:#6f6a60;--rule:#e6e0d4;--red:#c0392b;--blue:#2b6cb0;--green:#2f7d4f;--gold:#b7791f;--tint:#f3efe6}
@media (prefers-color-scheme:dark){:root{--paper:#171614;--card:#201e1b;--ink:#ece7dd;--soft:#a39c8f;--rule:#37332d;--red:#ef7b6c;--blue:#7fb2ec;--green:#74c596;--gold:#e0b15e;--tint:#292622}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.65 system-ui,-apple-system,"Segoe UI","PingFang SC","Hiragino Sans GB","Microsoft YaHei","Noto Sans CJK SC","Noto Sans SC",sans-serif}
main{max-width:1080px;margin:0 auto;padding:48px 24px 64px}
h1,h2,.seal{font-family:Georgia,"Songti SC","Noto Serif CJK SC","Noto Serif SC","SimSun",serif}
h1{font-size:clamp(30px,6vw,46px);line-height:1.15;margin:2px 0 0;overflow-wrap:anywhere}
h2{font-size:23px;line-height:1.3;margin:56px 0 4px}
h3{font-size:16px;line-height:1.45;margin:0 0 12px;overflow-wrap:anywhere}
.note{color:var(--soft);font-size:14px;margin:0 0 16px;max-width:72ch}
.eyebrow{color:var(--soft);font-size:14px;letter-spacing:.08em;margin:0}
header{display:grid;grid-template-columns:1fr auto;gap:8px 24px;align-items:start}
.seal{color:var(--red);border:3px solid var(--red);border-radius:6px;font-size:26px;font-weight:700;line-height:1.15;padding:5px 7px;width:1em;box-sizing:content-box;word-break:break-all;transform:rotate(3deg);opacity:.9;user-select:none}
.story{grid-column:1/-1;font-size:18px;line-height:1.8;margin:18px 0 0;max-width:68ch}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(138px,1fr));gap:1px;background:var(--rule);border:1px solid var(--rule);border-radius:10px;overflow:hidden;margin:28px 0 0}
.figures div{background:var(--card);padding:14px 16px}
.figures b{display:block;font-size:22px;line-height:1.3;font-variant-numeric:tabular-nums}
.figures span{color:var(--soft);font-size:13px}
.card{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:18px 20px;margin:14px 0}
.timeline{display:grid;grid-template-columns:minmax(0,max-content) 1fr max-content;gap:10px 16px;align-items:center}
.timeline .row{display:contents}
.timeline small{color:var(--soft);margin-left:8px}
.timeline .track{background:var(--tint);border-radius:5px;height:14px;position:relative}
.timeline .bar{position:absolute;top:0;bottom:0;min-width:3px;border-radius:5px;background:var(--blue)}
.timeline .bar.model{background:var(--red)}
.timeline .time{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.timeline .sum{border-top:1px solid var(--rule);padding-top:10px;grid-column:1/-1;display:flex;justify-content:space-between}
.answers{display:grid;grid-template-columns:repeat(auto-fit,minmax(156px,1fr));gap:12px}
.answer{background:var(--tint);border-radius:8px;padding:10px 12px;min-width:0}
.who{display:flex;flex-wrap:wrap;gap:2px 6px;align-items:baseline;font-size:13px;color:var(--soft);margin:0 0 4px}
.who b{color:var(--ink)}
.said{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate;font-size:15px;line-height:1.55}
.said{max-height:14em;overflow:auto}
.drawn{max-height:9em;margin:8px 0 0;padding-top:8px;border-top:1px dashed var(--rule);color:var(--soft);font-size:13.5px}
.silent{color:var(--soft)}
.mark{margin-left:auto;font-weight:700}
.yes{color:var(--green)}.no{color:var(--red)}
.expected{font-weight:400;color:var(--soft);font-size:14px;margin-left:10px}
.tag{border:1px solid var(--rule);border-radius:9px;padding:0 7px;font-size:12px;color:var(--soft);white-space:nowrap}
table{border-collapse:collapse;width:100%;font-size:15px}
th{text-align:left;font-weight:600;color:var(--soft);font-size:13px}
th,td{padding:9px 14px 9px 0;border-bottom:1px solid var(--rule);vertical-align:top}
tr:last-child td{border-bottom:0}
td.time{font-variant-numeric:tabular-nums}
.wide td:not(:last-child),.wide th{white-space:nowrap}.wide td:last-child{width:100%}
.metrics{display:grid;grid-template-columns:repeat(auto-fill,minmax(165px,1fr));gap:2px 18px;margin:0}
.metrics dt{color:var(--soft);font-size:12.5px}
.metrics dd{margin:0 0 4px;font-variant-numeric:tabular-nums}
.metrics small{color:var(--soft);white-space:nowrap}
.scroll{overflow-x:auto}.scroll td,.scroll th{white-space:nowrap}.scroll td:first-child{white-space:normal;min-width:110px}
.gain{display:block;font-size:12.5px;color:var(--soft);font-variant-numeric:tabular-nums}.gain.yes{color:var(--green)}.gain.no{color:var(--red)}
td small{color:var(--soft)}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:14px}
figure{background:var(--card);border:1px solid var(--rule);border-radius:10px;margin:0;padding:14px 14px 8px;min-width:0}
figcaption{font-size:14px;font-weight:600;margin:0 4px 6px;display:flex;flex-wrap:wrap;gap:2px 10px;align-items:baseline}
figcaption small{font-weight:400;color:var(--soft)}
.legend{margin-left:auto;font-weight:400;font-size:12.5px;display:flex;gap:10px;flex-wrap:wrap}
.legend i{font-style:normal}
.legend i::before{content:"";display:inline-block;width:14px;height:3px;border-radius:2px;margin-right:5px;vertical-align:3px;background:currentColor}
svg{display:block;width:100%;height:auto;overflow:hidden}
svg text{fill:var(--soft);font-size:11px;font-variant-numeric:tabular-nums}
.grid{stroke:var(--rule);stroke-width:1}
.line-0{color:var(--red)}.line-1{color:var(--blue)}.line-2{color:var(--green)}.line-3{color:var(--gold)}
.line polyline{fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.line .raw{stroke-width:1;opacity:.28}
.line .dot{fill:currentColor}.line .hidden{fill:transparent}
.line .band{fill:currentColor;opacity:.13}
details{margin:14px 0}
summary{cursor:pointer;color:var(--soft);font-size:14px}
.samples{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,440px),1fr));gap:14px}.samples .card{margin:0}
.sample{display:grid;grid-template-columns:76px 1fr;gap:6px 14px;margin:0}
.sample dt{color:var(--soft);font-size:13px;text-align:right;padding-top:2px;font-variant-numeric:tabular-nums}
.sample dd{margin:0;min-width:0;overflow-wrap:anywhere;white-space:pre-wrap;unicode-bidi:isolate;font-size:15px}
.funnel{display:grid;grid-template-columns:max-content 1fr max-content;gap:7px 14px;align-items:center;font-size:15px}
.funnel .track{height:16px;background:var(--tint);border-radius:4px;overflow:hidden}
.funnel .track i{display:block;height:100%;background:var(--blue);opacity:.75}
.funnel .count{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.funnel .count small{color:var(--red);margin-left:8px;display:inline-block;min-width:44px}
.rules{display:flex;flex-wrap:wrap;gap:6px 8px;margin:16px 0 0;padding:0;list-style:none;font-size:13px}
.rules b{font-variant-numeric:tabular-nums;margin-left:5px}
.pairs{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;margin:0;font-size:15px}
.pairs dt{color:var(--soft)}.pairs dd{margin:0;overflow-wrap:anywhere}
pre{background:var(--tint);border-radius:8px;padding:14px 16px;overflow-x:auto;font:13.5px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;margin:10px 0}
pre i{font-style:normal;color:var(--soft)}
footer{margin-top:56px;color:var(--soft);font-size:13px;border-top:1px solid var(--rule);padding-top:14px}
@media (max-width:640px){main{padding:28px 16px 48px}h2{margin-top:44px;font-size:21px}.story{font-size:17px}.card{padding:14px}
.timeline{grid-template-columns:1fr}.timeline .row{display:grid;grid-template-columns:1fr max-content;gap:3px 12px}.timeline .track{grid-column:1/-1;order:3}
.wide thead{display:none}.wide tr,.wide td{display:block}.wide td{border:0;padding:2px 0}.wide td:not(:last-child){display:inline-block;margin-right:10px}.wide tr{border-bottom:1px solid var(--rule);padding:10px 0}.wide tr:last-child{border:0}
.metrics{grid-template-columns:repeat(2,minmax(0,1fr))}.sample{grid-template-columns:1fr}.sample dt{text-align:left}.funnel{font-size:14px;gap:7px 10px}.funnel .count small{min-width:0;margin-left:5px}}
@media print{body{background:#fff}figure,.card{break-inside:avoid}}
`)
