internal import PowerShellSyntax

/// The text of a script by UTF-16 offsets, for showing places.
struct SourceLines {
    private let units: [UInt16]
    private let lineStarts: [Int]
    private static let longestText = 200
    private static let longestLine = 400

    init(_ source: String) {
        units = Array(source.utf16)
        var starts = [0]
        var position = 0
        while position < units.count {
            switch units[position] {
            case 13:
                if position + 1 < units.count, units[position + 1] == 10 { position += 1 }
                starts.append(position + 1)
            case 10: starts.append(position + 1)
            default: break
            }
            position += 1
        }
        lineStarts = starts
    }

    /// The place of an extent.
    func place(_ extent: SourceExtent) -> SourcePlace {
        let start = min(max(extent.start, 0), units.count)
        let end = min(max(extent.end, start), units.count)
        var low = 0
        var high = lineStarts.count
        while low + 1 < high {
            let middle = (low + high) / 2
            if lineStarts[middle] <= start { low = middle } else { high = middle }
        }
        let lineStart = lineStarts[low]
        var lineEnd = low + 1 < lineStarts.count ? lineStarts[low + 1] : units.count
        while lineEnd > lineStart, units[lineEnd - 1] == 10 || units[lineEnd - 1] == 13 { lineEnd -= 1 }
        return SourcePlace(
            line: low + 1, column: start - lineStart + 1, offset: start, length: end - start,
            text: text(start, min(end, start + Self.longestText)),
            lineText: text(lineStart, min(lineEnd, lineStart + Self.longestLine)))
    }

    private func text(_ start: Int, _ end: Int) -> String {
        start < end ? PowerShellSyntax.SourceText.string(units[start..<end]) : ""
    }
}
