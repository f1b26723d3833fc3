/// Double parentheses, which hold arithmetic or nested subshells, and line continuations within operators.
extension ShellParser {
    /// Reads `((…))` if it is arithmetic for every shell. If not, nothing is read, and it is a list of commands.
    /// - Parameter isCommand: whether it stands where a command may, so that a shell without such arithmetic runs it.
    mutating func arithmetic(_ level: Int, isCommand: Bool = false) throws(ShellRefusal) -> Bool {
        guard peek("(", after: 1) else { return false }
        let start = position
        if peek("$", after: 2), peek("'", after: 3) {
            throw refusal("a quote that shells read differently (')", at: start)
        }
        guard let end = arithmeticEnd() else { return false }
        script.computes = true
        if isCommand, namesProgram(bytes[start..<end]) { return false }
        _ = try balanced(level)
        guard position == end else { throw refusal("parentheses that shells read differently", at: start) }
        return true
    }

    /// Whether a part of an expression is also a program's name, alone or with an option.
    private func namesProgram(_ text: ArraySlice<UInt8>) -> Bool {
        text.split(whereSeparator: { "&|(),;\n".utf8.contains($0) }).contains { part in
            let words = part.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 })
            guard let name = words.first, let first = name.first, Self.isLetter(first) || first == 0x5F,
                name.allSatisfy({ Self.isNameByte($0) })
            else { return false }
            guard words.count > 1 else { return true }
            let option = words[1]
            return option.first == 0x2D && option.dropFirst().first.map { Self.isLetter($0) } ?? false
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        isLetter(byte) || byte == 0x5F || (0x30...0x39).contains(byte)
    }

    /// The end of the expression in double parentheses that begins here; `nil` if it is none: operands and operators
    /// must alternate.
    private func arithmeticEnd() -> Int? {
        var place = position
        var open = 0
        var needsOperand = true
        while place < bytes.count {
            let byte = bytes[place]
            let next = place + 1 < bytes.count ? bytes[place + 1] : 0
            switch byte {
            case 0x20, 0x09, 0x0A: place += 1
            case UInt8(ascii: "("):
                guard needsOperand else { return nil }
                open += 1
                place += 1
            case UInt8(ascii: ")"):
                guard !needsOperand else { return nil }
                open -= 1
                place += 1
                // Both parentheses at the start end here.
                if open == 1 { return place < bytes.count && bytes[place] == UInt8(ascii: ")") ? place + 1 : nil }
                if open == 0 { return nil }
            case UInt8(ascii: "+") where next == byte, UInt8(ascii: "-") where next == byte: place += 2
            case UInt8(ascii: "+"), UInt8(ascii: "-"):
                needsOperand = true
                place += next == UInt8(ascii: "=") ? 2 : 1
            case UInt8(ascii: "~"),
                UInt8(ascii: "!") where next != UInt8(ascii: "="):
                guard needsOperand else { return nil }
                place += 1
            case _ where "!*/%<>=&|^?:,".utf8.contains(byte):
                guard !needsOperand else { return nil }
                needsOperand = true
                place += 1
                while place < bytes.count, "*<>=&|".utf8.contains(bytes[place]) { place += 1 }
            default:
                guard needsOperand, let end = operandEnd(place) else { return nil }
                needsOperand = false
                place = end
            }
        }
        return nil
    }

    /// The end of a number, a variable or an expansion, with its subscripts.
    private func operandEnd(_ start: Int) -> Int? {
        var place = start
        while place < bytes.count {
            let byte = bytes[place]
            let next = place + 1 < bytes.count ? bytes[place + 1] : 0
            if byte == UInt8(ascii: "$"), next == UInt8(ascii: "(") || next == UInt8(ascii: "{") {
                guard let end = bracketEnd(place + 1, next, next == UInt8(ascii: "(") ? 0x29 : 0x7D) else { return nil }
                place = end
            } else if byte == UInt8(ascii: "["), place > start {
                guard let end = bracketEnd(place, byte, UInt8(ascii: "]")) else { return nil }
                place = end
            } else if byte == UInt8(ascii: "`") {
                guard let end = bytes[(place + 1)...].firstIndex(of: byte) else { return nil }
                place = end + 1
            } else if byte == UInt8(ascii: "$"), "?!#$@*-".utf8.contains(next) {
                place += 2
            } else if Self.isNameByte(byte) || byte == UInt8(ascii: "$") || byte == UInt8(ascii: "#") && place > start
                || byte == 0x22
            {
                place += 1
            } else {
                break
            }
        }
        return place > start ? place : nil
    }

    private func bracketEnd(_ start: Int, _ opening: UInt8, _ closing: UInt8) -> Int? {
        var open = 0
        for place in start..<bytes.count {
            if bytes[place] == opening { open += 1 }
            if bytes[place] == closing { open -= 1 }
            if open == 0 { return place + 1 }
        }
        return nil
    }

    /// Refuses a line continuation within an operator or directly behind a dollar sign.
    func checkContinuations() throws(ShellRefusal) {
        for place in bytes.indices.dropFirst() where bytes[place] == 0x5C {
            guard place + 1 < bytes.count, bytes[place + 1] == 0x0A, "$<>&|;(".utf8.contains(bytes[place - 1]) else {
                continue
            }
            var next = place
            while next + 1 < bytes.count, bytes[next] == 0x5C, bytes[next + 1] == 0x0A { next += 2 }
            let after = next < bytes.count ? bytes[next] : 0
            let isSplit =
                switch bytes[place - 1] {
                case UInt8(ascii: "$"): true
                case UInt8(ascii: "<"): "<>&(-".utf8.contains(after)
                case UInt8(ascii: ">"): ">&|(".utf8.contains(after)
                case UInt8(ascii: "&"): "&>".utf8.contains(after)
                case UInt8(ascii: "|"): "|&".utf8.contains(after)
                case UInt8(ascii: ";"): ";&".utf8.contains(after)
                case UInt8(ascii: "("): after == UInt8(ascii: "(")
                default: false
                }
            if isSplit { throw refusal("a line continuation within an operator", at: place) }
        }
    }
}
