import PowerShellSyntax

/// Expandable strings.
extension Evaluator {
    /// Returns the text of an expandable string.
    func expanded(_ node: ExpandableStringSyntax) throws(Interrupt) -> String {
        var place = node.extent.start + 1
        var end = node.extent.end - 1
        let isHere: Bool
        switch node.style {
        case .doubleQuoted: isHere = false
        case .doubleQuotedHere:
            isHere = true
            // The text begins on the line after `@"` and ends before the line end that precedes `"@`.
            guard let line = source[place..<node.extent.end].firstIndex(of: 10) else {
                throw .handOver("a here-string")
            }
            place = line + 1
            end = node.extent.end - 3
            guard end >= place, source[end] == 10 else { throw .handOver("an empty here-string with variables") }
            if end > place, source[end - 1] == 13 { end -= 1 }
        case .bareWord:
            // Only a backtick is an escape there.
            isHere = true
            place = node.extent.start
            end = node.extent.end
        }
        var text = ""
        var written = ""
        // A word may contain quoted parts, in which blanks belong to the word: `a"b $c"`.
        var quote = node.style == .bareWord ? BareQuote.none : nil
        func literal(_ range: Range<Int>) throws(Interrupt) -> String {
            guard var open = quote else { return try self.literal(range, isHere: isHere) }
            defer { quote = open }
            return try bareText(range, &open)
        }
        openTexts += 1
        defer { openTexts -= 1 }
        for part in node.parts {
            let extent = part.extent
            guard extent.start >= place, extent.end <= end else { throw .handOver("a nested string") }
            let piece = try literal(place..<extent.start)
            text += piece
            written += piece + String(decoding: source[extent.start..<extent.end], as: UTF16.self)
            let value = try value(of: part)
            try refuseTyped(within: value)
            text += try PSText.string(try spoken(value))
            guard text.utf8.count <= limits.textBytes else { throw .handOver("a long text") }
            place = extent.end
        }
        let tail = try literal(place..<end)
        guard written + tail == node.value else { throw .handOver("a nested string") }
        return text + tail
    }

    /// The kind of quotes around a piece of a word.
    private enum BareQuote { case none, single, double }

    /// Returns a piece of a word without its quotes, keeping track of those that are still open.
    private func bareText(_ range: Range<Int>, _ quote: inout BareQuote) throws(Interrupt) -> String {
        var text = ""
        var start = range.lowerBound
        var place = start
        while place < range.upperBound {
            let unit = source[place]
            let kind: BareQuote =
                switch unit {
                case 0x22, 0x201C...0x201E: .double
                case 0x27, 0x2018...0x201B: .single
                default: .none
                }
            guard kind != .none, quote == .none || quote == kind else {
                // A quote after a backtick is escaped, except within single quotes.
                place += unit == 0x60 && quote != .single ? 2 : 1
                continue
            }
            text += try bare(start..<place, quote)
            if quote == kind, place + 1 < range.upperBound, source[place + 1] == unit {
                // A doubled quote is a literal one.
                text.unicodeScalars.append(Unicode.Scalar(unit) ?? "\"")
                place += 1
            } else {
                quote = quote == .none ? kind : .none
            }
            place += 1
            start = place
        }
        return text + (try bare(start..<range.upperBound, quote))
    }

    private func bare(_ range: Range<Int>, _ quote: BareQuote) throws(Interrupt) -> String {
        quote == .single ? String(decoding: source[range], as: UTF16.self) : try literal(range, isHere: true)
    }

    private func literal(_ range: Range<Int>, isHere: Bool) throws(Interrupt) -> String {
        var units: [UInt16] = []
        var place = range.lowerBound
        while place < range.upperBound {
            let unit = source[place]
            place += 1
            if !isHere, unit == 0x22, place < range.upperBound, source[place] == 0x22 {
                units.append(unit)
                place += 1
            } else if unit == 0x60, place < range.upperBound {
                let escaped = source[place]
                place += 1
                switch escaped {
                case 0x6E: units.append(10)
                case 0x74: units.append(9)
                case 0x72: units.append(13)
                case 0x61: units.append(7)
                case 0x62: units.append(8)
                case 0x65: units.append(27)
                case 0x66: units.append(12)
                case 0x76: units.append(11)
                case 0x30: units.append(0)
                case 0x75: units += try named(at: &place, before: range.upperBound)
                case 0xD800...0xDFFF: throw .handOver("an unusual escape in a string")
                // A line end too stands for itself: in a string it is no continuation.
                default: units.append(escaped)
                }
            } else {
                units.append(unit)
            }
        }
        return String(decoding: units, as: UTF16.self)
    }

    /// Reads the braces and digits of an escape like `u{1F600}, and returns the units of its character.
    private func named(at place: inout Int, before end: Int) throws(Interrupt) -> [UInt16] {
        guard let close = source[place..<end].firstIndex(of: 0x7D), close > place + 1,
            let code = UInt32(String(decoding: source[place + 1..<close], as: UTF16.self), radix: 16),
            let scalar = Unicode.Scalar(code)
        else { throw .handOver("an unusual escape in a string") }
        place = close + 1
        return Array(String(scalar).utf16)
    }
}
