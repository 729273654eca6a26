import Foundation
import Morphokinetics

/// What all pages share: escaping, style, frame.
enum PageParts {
    static func escape(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.count)
        for character in text {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
        return result
    }

    /// A self-contained page: no script, no font and no picture from elsewhere.
    static func page(title: String, body: String) -> String {
        """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(escape(title))</title><style>\(style)</style></head><body>
        <header><h1>\(escape(title))</h1><p class="notice">\(escape(ResearchUse.sentence))</p></header>
        \(body)
        <footer><p class="notice">\(escape(ResearchUse.sentence))</p></footer>
        </body></html>

        """
    }

    private static let style = """
        :root{--ink:#1c2430;--soft:#5b6675;--line:#d8dee6;--good:#1b6e53;--bad:#9a3412;--paper:#fff}
        body{font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;color:var(--ink);background:var(--paper);
        max-width:1160px;margin:0 auto;padding:24px 28px}
        h1{font-size:24px;margin:0 0 8px}h2{font-size:18px;margin:34px 0 8px;border-bottom:1px solid var(--line);padding-bottom:4px}
        p{margin:6px 0}.soft{color:var(--soft)}.notice{background:#fff7e6;border-left:4px solid #d08700;padding:8px 12px;font-weight:600}
        table{border-collapse:collapse;width:100%;font-size:14px}th,td{text-align:left;vertical-align:top;padding:6px 10px 6px 0;
        border-bottom:1px solid var(--line)}th{color:var(--soft);font-weight:600}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
        ul{margin:0;padding-left:0;list-style:none}li{margin:0 0 2px}.good{color:var(--good)}.bad{color:var(--bad)}
        .rank{font-size:18px;font-weight:700;white-space:nowrap}.name{font-weight:600}.wrap{overflow-x:auto}svg{display:block;max-width:100%;height:auto}
        svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--ink)}svg .s{fill:var(--soft);font-size:11px}
        @media print{body{max-width:none;padding:0}h2{break-after:avoid}tr{break-inside:avoid}}
        """

    /// Colours of the sixteen stages, from dark violet to yellow, as of the viridis map.
    static let stageColours = [
        "#440154", "#481b6d", "#46327e", "#3f4788", "#365c8d", "#2e6e8e", "#277f8e", "#21918c", "#1fa187", "#2db27d", "#4ac16d", "#73d056",
        "#a0da39", "#c8e020", "#e6e419", "#fde725",
    ]

    static func number(_ value: Double) -> String { value.fixed(1) }
}
