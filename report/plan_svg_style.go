package report

// planStyle is the style sheet of a plan's picture, for light and dark screens. It has no variables, which not every renderer knows.
const planStyle = `<style>
text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", Arial, sans-serif; font-size: 11px; fill: #3a3f47; }
.page { fill: #ffffff; } .odd { fill: #f4f6f8; }
.head { font-size: 17px; font-weight: 600; fill: #16191d; } .name { font-size: 13px; font-weight: 600; fill: #16191d; }
.sub { font-size: 12px; } .small { font-size: 10px; fill: #6a717c; } .end { text-anchor: end; } .mid { text-anchor: middle; }
.grid { stroke: #d5dae0; stroke-width: 1; } .low { fill: #2f6fb5; } .high { fill: url(#later); stroke: #2f6fb5; stroke-width: 1; }
.stripe { stroke: #2f6fb5; stroke-width: 2.5; } .redstripe { stroke: #c62828; stroke-width: 2.5; }
.stuck .low { fill: #c62828; } .stuck .high { fill: url(#laterstuck); stroke: #c62828; }
.move { stroke: #7a828d; stroke-width: 1.2; fill: none; } .tip { fill: #7a828d; } .down { fill: #9a6700; stroke: #ffffff; stroke-width: 1.5; paint-order: stroke; } .sign { fill: #c62828; } .bar { fill: #ffffff; }
.why { fill: #b3201f; font-weight: 600; } .warn { fill: #8a5a00; } .halo { paint-order: stroke; stroke: #ffffff; stroke-width: 4; stroke-linejoin: round; }
.odd-halo { paint-order: stroke; stroke: #f4f6f8; stroke-width: 4; stroke-linejoin: round; }
@media (prefers-color-scheme: dark) {
text { fill: #c6ccd4; } .page { fill: #14171b; } .odd { fill: #1c2126; } .head, .name { fill: #f0f3f6; } .small { fill: #949ca7; }
.grid { stroke: #343b44; } .low { fill: #6aa7e8; } .high { stroke: #6aa7e8; } .stripe { stroke: #6aa7e8; } .redstripe { stroke: #ff7b72; }
.stuck .low { fill: #ff7b72; } .stuck .high { stroke: #ff7b72; } .move { stroke: #939ba6; } .tip { fill: #939ba6; } .down { fill: #e3b341; stroke: #14171b; }
.sign { fill: #ff7b72; } .bar { fill: #14171b; } .why { fill: #ff8f87; } .warn { fill: #e3b341; } .halo { stroke: #14171b; } .odd-halo { stroke: #1c2126; }
}
</style>
<defs>
<pattern id="later" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="stripe" x1="0" y1="0" x2="0" y2="6"/></pattern>
<pattern id="laterstuck" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="redstripe" x1="0" y1="0" x2="0" y2="6"/></pattern>
</defs>`
