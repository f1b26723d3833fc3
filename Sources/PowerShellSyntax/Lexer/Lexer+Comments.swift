/// Comments and line ends.
extension Lexer {
    /// Skips white space, comments, line ends and, if requested, semicolons.
    mutating func skipNewlines(andSemicolons: Bool) throws(Stop) {
        while true {
            let unit = next()
            switch unit {
            case 0x20, 0x09, 0x0A, 0x0D: continue
            case 0x3B where andSemicolons: continue
            case 0x23:
                tokenStart = position - 1
                try scanLineComment()
                continue
            case 0x3C where peek() == 0x23:
                tokenStart = position - 1
                skip()
                try scanBlockComment()
                continue
            case 0x60:
                let follower = next()
                if CharacterClass.isBlankOrLineEnd(follower) {
                    finishLineEnd(follower)
                    continue
                }
                back()
            default:
                if CharacterClass.isWhitespace(unit) { continue }
            }
            back()
            return
        }
    }

    /// Reads a line comment after its `#`. It may be a `#requires`, or look like the start of a signature block, after
    /// which no statement may follow.
    mutating func scanLineComment() throws(Stop) {
        let start = position
        let end = lineEnd(from: position)
        position = end
        try spend(end - start)
        let hash = tokenStart
        if !isNested, matchesRequires(start, end), requiresComments.last.map({ $0.lowerBound < hash }) ?? true {
            requiresComments.append(hash..<end)
        }
        if looksLikeSignature(start, end), signatureStart == nil || isNested {
            signatureStart = text.origin(hash)
        }
    }

    private mutating func matchesRequires(_ start: Int, _ end: Int) -> Bool {
        guard end - start >= 8 else { return false }
        var index = start
        for expected in "requires".utf8 {
            guard ASCIIFold.lower(text.units[index]) == UInt16(expected) else { return false }
            index += 1
        }
        return true
    }

    private static let signatureHead = Array("sig#beginsignatureblock\n".utf16)

    private mutating func looksLikeSignature(_ start: Int, _ end: Int) -> Bool {
        let head = Lexer.signatureHead
        guard end - start >= 13 else { return false }
        var line: [UInt16] = []
        line.reserveCapacity(36)
        for index in start..<end where !CharacterClass.isWhitespace(text.units[index]) {
            let unit = text.units[index]
            // The Kelvin sign is the only letter outside ASCII whose invariant lower case is an ASCII letter.
            line.append(unit == 0x212A ? 0x6B : ASCIIFold.lower(unit))
            if line.count > 34 { return false }
        }
        line.append(end < text.end ? text.units[end] : 0)
        guard line.count >= 14, line.count <= 34 else { return false }
        var row = Array(0...head.count)
        for (i, unit) in line.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, expected) in head.enumerated() {
                let above = row[j + 1]
                row[j + 1] = unit == expected ? diagonal : min(min(above, row[j]), diagonal) + 1
                diagonal = above
            }
        }
        return row[head.count] < 10
    }

    /// Reads a block comment after its `<#`.
    mutating func scanBlockComment() throws(Stop) {
        let start = position - 2
        let end = blockCommentEnd(from: position)
        let isClosed = end - position >= 2 && text.units[end - 1] == 0x3E && text.units[end - 2] == 0x23
        position = end
        try spend(end - start)
        guard isClosed else { throw failAtEnd("MissingTerminatorMultiLineComment", from: start) }
    }

    /// Whether a `|` follows a line end, with nothing but comments and at most one further line end in between.
    mutating func isPipeContinuation(behind place: Int) -> Bool {
        guard place < text.end else { return false }
        var lineIsBlank = true
        var index = place
        while index < text.end - 1 {
            let unit = text.units[index]
            if CharacterClass.isWhitespace(unit) {
                index += 1
            } else if unit == 0x0A || unit == 0x0D {
                if lineIsBlank { return false }
                lineIsBlank = true
                index += unit == 0x0D && text.units[index + 1] == 0x0A ? 2 : 1
            } else if unit == 0x23 {
                lineIsBlank = false
                index = lineEnd(from: index + 1)
            } else if unit == 0x3C, text.units[index + 1] == 0x23 {
                lineIsBlank = false
                index = blockCommentEnd(from: index + 2)
            } else {
                return unit == 0x7C
            }
        }
        return text.units[text.end - 1] == 0x7C
    }
}
