/// Variables.
extension Lexer {
    /// Reads a variable after its `$` or `@`.
    mutating func scanVariable(isSplatted: Bool, inString: Bool) throws(Stop) -> Token {
        let start = position
        let first = next()
        if first == 0x7B { return try scanBracedVariable(start, inString: inString) }
        guard CharacterClass.isVariableStart(first) else {
            back()
            return try continueGeneric()
        }
        // `$$`, `$?` and `$^` are complete.
        if first == 0x24 || first == 0x3F || first == 0x5E {
            if mode == .command, !CharacterClass.endsWord(peek()) { return try rescanGeneric() }
        } else {
            scanning: while true {
                let unit = peek()
                switch unit {
                case 0x3F: skip()
                case 0x3A:
                    if position + 1 < text.end, text.units[position + 1] == 0x3A { break scanning }
                    skip()
                // . [ = end the name in every mode.
                case 0x2E, 0x5B, 0x3D: break scanning
                case let unit where CharacterClass.isIdentifierFollow(unit): skip()
                default:
                    if mode == .command, !CharacterClass.endsWord(unit) { return try rescanGeneric() }
                    break scanning
                }
            }
        }
        try spend(position - start)
        let path = VariablePath(text.string(start..<position))
        if path.name.isEmpty {
            let id = path.drive == nil ? "InvalidVariableReference" : "InvalidVariableReferenceWithDrive"
            throw fail(id, tokenStart, position)
        }
        return token(isSplatted ? .splattedVariable : .variable, .variable(VariableTokenValue(path)))
    }

    private mutating func scanBracedVariable(_ start: Int, inString: Bool) throws(Stop) -> Token {
        var buffer: [UInt16] = []
        scanning: while true {
            guard position < text.end else { throw failAtEnd("IncompleteDollarVariableReference", from: start) }
            let unit = next()
            switch unit {
            case 0x7D: break scanning
            case 0x7B: throw fail("OpenBraceNeedsToBeBackTickedInVariableName", position, position + 1)
            case 0x60:
                guard position < text.end else { continue }
                let (first, second) = try escape(next())
                buffer.append(first)
                if let second { buffer.append(second) }
            case let unit where CharacterClass.isDoubleQuote(unit):
                if inString, CharacterClass.isDoubleQuote(peek()) {
                    buffer.append(next())
                } else {
                    buffer.append(unit)
                }
            default: buffer.append(unit)
            }
        }
        try spend(position - start)
        if buffer.isEmpty { throw fail("EmptyVariableReference", position - 1, position) }
        if mode == .command {
            let follower = peek()
            if !CharacterClass.endsWord(follower), follower != 0x2E, follower != 0x5B { return try rescanGeneric() }
        }
        let path = VariablePath(SourceText.string(buffer[...]))
        if path.name.isEmpty { throw fail("InvalidBracedVariableReference", tokenStart, position) }
        return token(.variable, .variable(VariableTokenValue(path)))
    }
}
