/// Redirections and here-documents.
extension ShellReader {
    mutating func redirect(_ current: inout ShellCall, _ level: Int) throws(ShellUnreadable) {
        if current.isEmpty { current.offset = position }
        let isInput = bytes[position] == UInt8(ascii: "<")
        position += 1
        if isInput, take("<") {
            if take("<") {
                skipBlanks()
                current.document = try word(level).word.text
                return
            }
            let stripsTabs = take("-")
            skipBlanks()
            let (end, isQuoted) = try word(level)
            awaited.append((end.text, stripsTabs, isQuoted, nil))
            // A command of nothing but a here-document stays one.
            current.redirects.append(ShellCall.Redirect(writes: false, target: ShellCall.Word(text: "")))
            return
        }
        var writes = !isInput
        if isInput { if take(">") { writes = true } } else { _ = take(">") || take("|") }
        if take("&") {
            skipBlanks()
            let target = try word(level).word
            if target.isFixed,
                target.text == "-" || target.text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2D })
            {
                return
            }
            current.redirects.append(ShellCall.Redirect(writes: writes, target: target))
            return
        }
        skipBlanks()
        let before = position
        let target = try word(level).word
        guard position > before else { throw unreadable("a redirection without a file") }
        current.redirects.append(ShellCall.Redirect(writes: writes, target: target))
    }

    /// Takes the bodies of the here-documents of the line that has just ended.
    mutating func documents(_ level: Int) throws(ShellUnreadable) {
        let due = awaited
        awaited = []
        for document in due {
            var body: [UInt8] = []
            let start = position
            var stop = position
            while position < bytes.count {
                let lineStart = position
                while position < bytes.count, bytes[position] != 0x0A { position += 1 }
                var line = bytes[lineStart..<position]
                if position < bytes.count { position += 1 }
                if document.stripsTabs { line = line.drop { $0 == 0x09 } }
                if line.elementsEqual(document.end.utf8) { break }
                body += line + [0x0A]
                stop = position
            }
            if let call = document.call, reading.calls.indices.contains(call) {
                reading.calls[call].document = String(decoding: body, as: UTF8.self)
            }
            guard !document.isPlain else { continue }
            // Substitutions in an unquoted body are run.
            let after = position
            position = start
            while position < stop {
                switch bytes[position] {
                case UInt8(ascii: "\\"): position += 2
                case UInt8(ascii: "$"): _ = try dollar(level)
                case UInt8(ascii: "`"): try backticks(level)
                default: position += 1
                }
            }
            position = max(after, position)
        }
    }
}
