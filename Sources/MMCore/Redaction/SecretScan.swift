/// Scans a free text in one pass for secrets, by their shape and by the name in front of them. Linear in the text's
/// length.
struct SecretScan {
    private let text: [UInt8]
    private var position = 0
    private var copied = 0
    private var clean: [UInt8] = []
    private var found = false
    private let byName: Bool

    private static let mark = Array(Redactor.mark.utf8)
    private static let schemes = ["bearer", "basic", "negotiate", "ntlm", "pop", "digest"].map { Array($0.utf8) }

    /// Creates a scan.
    /// - Parameters:
    ///   - text: the text to scan.
    ///   - byName: whether a value after a secret's name counts as secret, whatever it looks like.
    init(_ text: [UInt8], byName: Bool = true) {
        self.text = text
        self.byName = byName
    }

    /// Returns the text without secrets; `nil` when there are none.
    mutating func run() -> String? {
        while position < text.count {
            let byte = text[position]
            guard Self.isName(byte) else {
                if byte != UInt8(ascii: ":") || !takeUserInfo() { position += 1 }
                continue
            }
            if byte == UInt8(ascii: "-") && takeKeyBlock() || takeShape() { continue }
            if byName { takeWord() } else { position = end(from: position, while: Self.isName) }
        }
        guard found else { return nil }
        clean += text[copied...]
        return String(decoding: clean, as: UTF8.self)
    }

    /// Replaces a range with the mark; the range must start after everything copied so far.
    private mutating func hide(_ range: Range<Int>) {
        clean += text[copied..<range.lowerBound]
        clean += Self.mark
        copied = range.upperBound
        position = range.upperBound
        found = true
    }

    private func matches(_ word: StaticString, at start: Int) -> Bool {
        let count = word.utf8CodeUnitCount
        guard start + count <= text.count else { return false }
        for index in 0..<count where text[start + index] != word.utf8Start[index] { return false }
        return true
    }

    // Inlined, because code optimised for size would call the closure for every byte.
    @inline(__always)
    private func end(from start: Int, while holds: (UInt8) -> Bool) -> Int {
        var end = start
        while end < text.count, holds(text[end]) { end += 1 }
        return end
    }
}

extension SecretScan {
    /// Hides a private key in PEM form (RFC 7468).
    private mutating func takeKeyBlock() -> Bool {
        guard matches("-----BEGIN ", at: position) else { return false }
        let labelEnd = end(from: position + 11) { $0 != UInt8(ascii: "-") && $0 != 0x0A }
        let label = String(decoding: text[(position + 11)..<labelEnd], as: UTF8.self)
        guard label.hasSuffix("PRIVATE KEY") else {
            position = labelEnd
            return true
        }
        var finish = labelEnd
        while finish < text.count, !matches("-----END ", at: finish) { finish += 1 }
        // A truncated block is secret to the end of the text.
        finish = finish == text.count ? finish : end(from: finish + 9) { $0 != UInt8(ascii: "-") }
        hide(position..<end(from: finish) { $0 == UInt8(ascii: "-") })
        return true
    }

    /// Hides the user name and password in front of a host (RFC 3986, section 3.2.1); a user name alone stays in
    /// answers.
    private mutating func takeUserInfo() -> Bool {
        guard matches("://", at: position) else { return false }
        let start = position + 3
        let finish = end(from: start) { byte in
            switch byte {
            case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "@"), UInt8(ascii: "\""),
                UInt8(ascii: "'"), UInt8(ascii: "<"), UInt8(ascii: ">"), 0...0x20:
                false
            default: true
            }
        }
        let isSecret = byName || text[start..<finish].contains(UInt8(ascii: ":"))
        guard finish < text.count, text[finish] == UInt8(ascii: "@"), finish > start, isSecret else {
            position = start
            return true
        }
        hide(start..<finish)
        return true
    }

    /// Hides tokens recognised by shape: signed tokens, Entra's refresh tokens and codes, Entra's client secrets.
    private mutating func takeShape() -> Bool {
        if position > 0, Self.isToken(text[position - 1]) { return false }
        let starts =
            switch text[position] {
            case UInt8(ascii: "e"): matches("eyJ", at: position)
            case UInt8(ascii: "0"), UInt8(ascii: "1"): matches(".A", at: position + 1)
            case UInt8(ascii: "M"): matches(".C", at: position + 1) || matches(".R", at: position + 1)
            case UInt8(ascii: "O"): matches("OAQAB", at: position)
            default: false
            }
        let client =
            position + 6 <= text.count && text[position + 4] == UInt8(ascii: "Q")
            && text[position + 5] == UInt8(ascii: "~")
        guard starts || client else { return false }
        let finish = end(from: position, while: Self.isToken)
        let length = finish - position
        // The parts of a signed token are joined by dots. Without a dot it is other base64-encoded JSON, as in next
        // links.
        let signed =
            matches("eyJ", at: position) && length >= 20
            && (byName || text[position..<finish].contains(UInt8(ascii: ".")))
        guard
            signed || (starts && length >= 60 && !matches("eyJ", at: position))
                || (client && (36...48).contains(length))
        else { return false }
        hide(position..<finish)
        return true
    }

    /// Consumes a word and hides what follows if the word is an authentication scheme or the name of a secret.
    private mutating func takeWord() {
        let start = position
        let finish = end(from: start, while: Self.isName)
        position = finish
        // Nothing follows that could be a value.
        guard finish < text.count else { return }
        let name = SecretNames.normalized(text[start..<finish])
        if text[finish] == 0x20, Self.schemes.contains(name) {
            let token = end(from: finish + 1, while: Self.isCredential)
            let word = text[(finish + 1)..<token]
            if word.count >= 8, !word.allSatisfy({ (0x61...0x7A).contains($0) }) {
                hide(finish + 1..<token)
                return
            }
        }
        guard name.count <= 128, let value = valueStart(after: finish, from: start, name: name) else { return }
        if name == Array("code".utf8) {
            let range = valueRange(from: value)
            if SecretNames.isSecretCode(text[range]) { hide(range) }
            return
        }
        guard SecretNames.isSecret(plain: name) else { return }
        if SecretNames.isSecretLine(plain: name) {
            let quote = value > 0 ? text[value - 1] : 0
            let quoted = quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'")
            hide(value..<(quoted ? valueRange(from: value).upperBound : end(from: value) { $0 != 0x0A && $0 != 0x0D }))
            return
        }
        let range = valueRange(from: value)
        if SecretNames.isErrorNumber(text[range]) || isProse(range, after: finish, name: name) { return }
        // Variables and brackets aren't secrets themselves; their content is scanned in turn.
        if range.isEmpty || text[range.lowerBound] == UInt8(ascii: "$") || text[range.lowerBound] == UInt8(ascii: "(") {
            return
        }
        if text[range.lowerBound] == UInt8(ascii: "{") || text[range.lowerBound] == UInt8(ascii: "[") { return }
        hide(range)
    }

    /// Returns whether the word `token` is part of a sentence, as in "POST …/token: could not connect": it is followed
    /// by a plain word, a blank and another word.
    private func isProse(_ range: Range<Int>, after finish: Int, name: [UInt8]) -> Bool {
        guard name == Array("token".utf8), text[finish] == UInt8(ascii: ":"), range.lowerBound > finish + 1,
            text[range.lowerBound - 1] == 0x20, SecretNames.isWord(text[range])
        else { return false }
        let next = range.upperBound + 1
        return next < text.count && text[range.upperBound] == 0x20 && (0x61...0x7A).contains(text[next] | 0x20)
    }

    /// Returns where the value of a name begins: after `=`, `:` or `>`, or after a space if the name is a parameter or
    /// `ConvertTo-SecureString`.
    private func valueStart(after finish: Int, from start: Int, name: [UInt8]) -> Int? {
        var at = finish
        var quotes = 0
        while at < text.count, quotes < 6, Self.isQuote(text[at]) || text[at] == UInt8(ascii: "\\") {
            at += 1
            quotes += 1
        }
        let blanksFrom = at
        while at < text.count, at - blanksFrom < 16, text[at] == 0x20 || text[at] == 0x09 { at += 1 }
        guard at < text.count else { return nil }
        switch text[at] {
        case UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: ">"):
            at += 1
            while at < text.count, text[at] == 0x20 || text[at] == 0x09 { at += 1 }
        default:
            let parameter = text[start] == UInt8(ascii: "-")
            let maker = name == Array("converttosecurestring".utf8)
            guard at > blanksFrom, parameter || maker else { return nil }
            if maker {
                // Switches may stand between the command and its text; skip to the first word that isn't one.
                while at < text.count, text[at] == UInt8(ascii: "-") {
                    at = end(from: at, while: Self.isName)
                    while at < text.count, text[at] == 0x20 || text[at] == 0x09 { at += 1 }
                }
            } else if at < text.count, text[at] == UInt8(ascii: "-") {
                return nil
            }
        }
        quotes = 0
        while at < text.count, quotes < 6, Self.isQuote(text[at]) || text[at] == UInt8(ascii: "\\") {
            at += 1
            quotes += 1
            if Self.isQuote(text[at - 1]) { break }
        }
        return at < text.count ? at : nil
    }

    /// Returns the range of a value: up to its closing quote, or up to a delimiter if it is unquoted.
    private func valueRange(from start: Int) -> Range<Int> {
        let quote = start > 0 ? text[start - 1] : 0
        guard Self.isQuote(quote) else {
            return
                start..<end(from: start) { byte in
                    switch byte {
                    case 0...0x20, UInt8(ascii: "&"), UInt8(ascii: ";"), UInt8(ascii: ","), UInt8(ascii: "\""),
                        UInt8(ascii: "'"), UInt8(ascii: "<"), UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"):
                        false
                    default: true
                    }
                }
        }
        let nested = start > 1 && text[start - 2] == UInt8(ascii: "\\")
        var at = start
        while at < text.count {
            if text[at] == quote { break }
            if text[at] == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                if nested, at + 1 < text.count, text[at + 1] == quote { break }
                at += 1
            }
            at += 1
        }
        return start..<min(at, text.count)
    }

    private static func isQuote(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") }

    private static func isName(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }

    private static func isToken(_ byte: UInt8) -> Bool {
        isName(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "~") || byte == UInt8(ascii: "!")
            || byte == UInt8(ascii: "*")
    }

    private static func isCredential(_ byte: UInt8) -> Bool {
        isToken(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "=")
    }
}
