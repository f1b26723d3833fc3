import PowerShellSyntax

/// Expandable strings.
extension Evaluator {
    /// Returns the text of an expandable string.
    func expanded(_ node: ExpandableStringSyntax) throws(Interrupt) -> String {
        guard case .doubleQuoted = node.style else { throw .handOver("an unusual string with variables") }
        var text = ""
        var written = ""
        var place = node.extent.start + 1
        for part in node.parts {
            let extent = part.extent
            guard extent.start >= place, extent.end < node.extent.end else { throw .handOver("a nested string") }
            let piece = try literal(place..<extent.start)
            text += piece
            written += piece + String(decoding: source[extent.start..<extent.end], as: UTF16.self)
            text += try PSText.string(try value(of: part))
            guard text.utf8.count <= limits.textBytes else { throw .handOver("a long text") }
            place = extent.end
        }
        let tail = try literal(place..<(node.extent.end - 1))
        guard written + tail == node.value else { throw .handOver("a nested string") }
        return text + tail
    }

    private func literal(_ range: Range<Int>) throws(Interrupt) -> String {
        var units: [UInt16] = []
        var place = range.lowerBound
        while place < range.upperBound {
            let unit = source[place]
            place += 1
            if unit == 0x22, place < range.upperBound, source[place] == 0x22 {
                units.append(unit)
                place += 1
            } else if unit == 0x60, place < range.upperBound {
                let escaped = source[place]
                place += 1
                switch escaped {
                case 0x6E: units.append(10)
                case 0x74: units.append(9)
                case 0x72: units.append(13)
                case 0x22, 0x24, 0x60: units.append(escaped)
                default: throw .handOver("an unusual escape in a string")
                }
            } else {
                units.append(unit)
            }
        }
        return String(decoding: units, as: UTF16.self)
    }
}
