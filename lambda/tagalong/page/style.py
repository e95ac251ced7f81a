"""How the page looks. Sizes follow the room that it has: as a widget it is in a part of the window."""

_LIGHT = """
--paper:#fff;--raised:#f4f6f8;--line:#d5dae1;--ink:#14181f;--quiet:#535c69;--link:#0b57a4;
--needs-you:#b3261e;--stuck:#9a4a00;--moving:#0b57a4;--held:#6a3fa0;--in-sync:#17713a;--left-alone:#535c69;
--alarm:#fdf1f0;color-scheme:light;
"""
_DARK = """
--paper:#0f1620;--raised:#18212d;--line:#323d4b;--ink:#e8ecf2;--quiet:#a7b1bf;--link:#86bdff;
--needs-you:#ff8f85;--stuck:#ffb561;--moving:#86bdff;--held:#cbaeff;--in-sync:#74d294;--left-alone:#a7b1bf;
--alarm:#2a1a1d;color-scheme:dark;
"""
_GROUPS = ("needs-you", "stuck", "moving", "held", "in-sync", "left-alone")

_COMMON = """
.tagalong{background:var(--paper);color:var(--ink);container-type:inline-size;line-height:1.45;
font:16px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"DejaVu Sans",sans-serif;
overflow-wrap:anywhere;text-align:left;-webkit-text-size-adjust:100%}
.tagalong *{box-sizing:border-box}
.tagalong .in{max-width:1400px;margin:0 auto;padding:20px}
.tagalong h1,.tagalong h2,.tagalong p,.tagalong ul,.tagalong dl,.tagalong dd{margin:0;padding:0}
.tagalong h1{font-size:22px;font-weight:700;color:var(--ink)}
.tagalong small{font-weight:400}
.tagalong h2{font-size:16px;font-weight:700;margin:28px 0 10px;color:var(--ink)}
.tagalong h2 .n{color:var(--quiet);font-weight:400}
.tagalong .quiet,.tagalong small{color:var(--quiet);font-size:14px}
.tagalong header{display:flex;flex-wrap:wrap;gap:2px 16px;align-items:baseline;justify-content:space-between}
.tagalong code{font:14px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;
background:none;color:inherit;padding:0}
.tagalong .cmd{display:inline-block;border:1px solid var(--line);border-radius:6px;padding:3px 9px;
background:var(--paper);color:var(--ink);user-select:all}
.tagalong .s{width:13px;height:13px;vertical-align:-1px;flex:none}
.tagalong .state{font-weight:600;white-space:nowrap}
.tagalong .counts{display:grid;grid-template-columns:repeat(6,1fr);gap:10px;margin-top:16px;list-style:none}
.tagalong .counts li{border:1px solid var(--line);border-top:4px solid var(--line);border-radius:8px;
padding:8px 12px 10px;list-style:none}
.tagalong .counts b{display:block;font-size:30px;line-height:1.15;font-variant-numeric:tabular-nums}
.tagalong .counts .none b,.tagalong .counts .none .state{color:var(--quiet);font-weight:400}
.tagalong .counts .none .s{fill:var(--quiet)}
.tagalong .well{border:1px solid var(--line);border-left:6px solid var(--in-sync);border-radius:8px;
padding:10px 14px}
.tagalong .cards{display:grid;gap:10px;list-style:none}
.tagalong .card{border:1px solid var(--line);border-radius:8px;padding:12px 16px;background:var(--alarm);
list-style:none}
.tagalong .card .top{display:flex;flex-wrap:wrap;gap:2px 14px;align-items:baseline}
.tagalong .card .name{font-size:18px;font-weight:700}
.tagalong .card .do{margin-top:8px;display:flex;flex-wrap:wrap;gap:8px;align-items:center}
.tagalong .card p{margin:2px 0}
.tagalong table{border-collapse:collapse;width:100%;font-size:15px;background:none;color:inherit}
.tagalong th{color:var(--quiet);font-weight:600;font-size:13px;text-align:left;padding:4px 12px 6px 0;
border:0;border-bottom:1px solid var(--line);background:none}
.tagalong td{padding:7px 12px 7px 0;border:0;border-bottom:1px solid var(--line);vertical-align:top;
background:none;color:inherit}
.tagalong td.since,.tagalong td.mono{white-space:nowrap}
.tagalong td.why{color:var(--quiet);font-size:14px;width:38%}
.tagalong td.name,.tagalong td.follows{min-width:120px}
.tagalong details{margin:10px 0 0}
.tagalong summary{cursor:pointer;padding:6px 0;color:var(--link);font-weight:600}
.tagalong .images{display:grid;gap:8px 18px;grid-template-columns:minmax(140px,max-content) 1fr max-content;
align-items:start}
.tagalong .images .all{color:var(--quiet);font-size:14px}
.tagalong .squares{display:flex;flex-wrap:wrap;gap:5px;padding-top:4px}
.tagalong .squares .s{width:15px;height:15px}
.tagalong .chart{display:block;width:100%;max-width:100%;height:auto}
.tagalong .chart text{fill:var(--quiet);font-size:11px}
.tagalong .chart line{stroke:var(--line)}
.tagalong .key{display:flex;flex-wrap:wrap;gap:2px 18px;margin-top:4px;font-size:14px;color:var(--quiet)}
.tagalong .key .s{vertical-align:-2px}
.tagalong .btn{display:inline-block;border:1px solid currentColor;border-radius:6px;padding:2px 12px;
background:none;color:var(--link);font-size:14px;font-weight:600;text-decoration:none;cursor:pointer}
.tagalong .two{display:grid;grid-template-columns:1fr 1fr;gap:0 36px;align-items:start}
.tagalong .two.one{grid-template-columns:1fr}
.tagalong :focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:4px}
@container (max-width:820px){
.tagalong .two{grid-template-columns:1fr}
.tagalong .counts{grid-template-columns:repeat(3,1fr)}
.tagalong thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.tagalong table,.tagalong tbody,.tagalong tr{display:block}
.tagalong tr{padding:10px 0;border-bottom:1px solid var(--line)}
.tagalong td,.tagalong td.why{display:grid;grid-template-columns:84px 1fr;border:0;width:auto;
padding:1px 0;white-space:normal!important}
.tagalong td::before{content:attr(data-of);color:var(--quiet);font-size:14px}
.tagalong td.name{display:block;font-weight:600}
.tagalong td.name::before{content:none}
.tagalong td:empty{display:none}
}
@container (max-width:480px){
.tagalong .in{padding:14px}
.tagalong .images{grid-template-columns:1fr;gap:2px}
.tagalong .images .all{margin-bottom:10px}
.tagalong .counts{gap:8px}
.tagalong .counts li{padding:6px 9px 8px}
.tagalong .counts b{font-size:26px}
.tagalong .counts .state{white-space:normal;font-size:14px}
}
@media print{.tagalong .btn{display:none}}
"""


def _of_groups() -> str:
    coloured = (
        f".tagalong .state.{it}{{color:var(--{it})}}"
        f".tagalong .s.{it},.tagalong .bar.{it}{{fill:var(--{it})}}"
        f".tagalong .counts .{it}:not(.none){{border-top-color:var(--{it})}}"
        f".tagalong .card.{it}{{border-left:6px solid var(--{it})}}"
        for it in _GROUPS
    )
    return "".join(coloured)


def style(theme: str) -> str:
    """`light`, `dark`, or `auto`: as the browser says."""
    common = _COMMON + _of_groups()
    if theme == "auto":
        dark = f"@media (prefers-color-scheme:dark){{.tagalong,body{{{_DARK}}}}}"
        return _lean(f".tagalong,body{{{_LIGHT}}}{dark}body{{margin:0;background:var(--paper)}}{common}")
    return _lean(f".tagalong{{{_DARK if theme == 'dark' else _LIGHT}}}{common}")


def _lean(text: str) -> str:
    return text.replace("\n", "")
