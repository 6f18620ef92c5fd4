"""How the page looks: the reader's own sans-serif, one colour, and room."""

STYLE = """
body { margin: 3rem auto; max-width: 68rem; padding: 0 1.5rem; color: #223; background: #fff;
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; font-weight: 600; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; font-weight: 600; margin: 3rem 0 0; }
h3 { font-size: .9rem; font-weight: 600; margin: 0 0 .3rem; overflow-wrap: anywhere; }
p { color: #556; margin: .3rem 0 1.2rem; max-width: 46rem; }
small { color: #778; font-size: .82em; font-weight: 400; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .28rem .9rem; border-bottom: 1px solid #eceef2; text-align: right; white-space: nowrap; }
th { font-weight: 600; }
th:first-child { text-align: left; padding-left: 0; font-weight: 500; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); gap: 1.6rem 2rem; }
figure { margin: 0; }
svg { display: block; width: 100%; max-width: 26rem; height: auto; }
svg * { stroke-linejoin: round; stroke-linecap: butt; }
svg text { font-family: inherit !important; }
figcaption, ol { color: #556; font-size: .86rem; }
ol { margin: .5rem 0 0; padding-left: 1.4rem; overflow-wrap: anywhere; }
.none { border: 1px dashed #ccd3da; border-radius: 4px; padding: 1rem; margin: 0; font-size: .9rem; max-width: 24rem; }
"""
