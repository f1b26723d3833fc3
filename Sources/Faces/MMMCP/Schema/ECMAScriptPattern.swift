import MMCore
import MMSystem

/// A `pattern` of JSON Schema: a regular expression of ECMA-262 with the `u` flag (JSON Schema 2020-12 Core, section
/// 6.4), translated to PCRE2's syntax.
struct ECMAScriptPattern: Sendable {
    /// The pattern as the schema contains it.
    let text: String
    private let expression: RegularExpression

    /// Translates and compiles a pattern.
    /// - Throws: `invalidInput` that names the faulty or unsupported part; `unavailable` without PCRE2.
    init(_ text: String) throws(MMError) {
        self.text = text
        var writer = Writer(text)
        do throws(MMError) {
            expression = try RegularExpression(try writer.whole(), options: [.unicode, .ecmaScript])
        } catch {
            throw MMError(error.code, "The pattern \(text) can't be used: \(error.message)", hint: error.hint)
        }
    }

    /// Whether a text contains a match; `nil` when the search would exceed its budget.
    func matches(in subject: String) -> Bool? { expression.matches(in: subject) }

    /// Walks through a pattern and rewrites it where the two languages differ.
    private struct Writer {
        private let scalars: [Unicode.Scalar]
        private var place = 0
        private var output = ""
        private let text: String

        /// The characters that `\s` matches (ECMA-262, section 22.2.2.9, WhiteSpace and LineTerminator).
        private static let space =
            #"\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}"#

        init(_ text: String) {
            self.text = text
            scalars = Array(text.unicodeScalars)
        }

        mutating func whole() throws(MMError) -> String {
            while let scalar = next() {
                switch scalar {
                case "\\": try escape(inSet: false)
                case "[": try set()
                case "(": try group()
                case ".": output += #"[^\n\r\x{2028}\x{2029}]"#
                case "*", "+", "?", "}":
                    output.unicodeScalars.append(scalar)
                    // PCRE2 would read a possessive quantifier.
                    if peek() == "+" { throw fault("nothing can be repeated by +") }
                case "{":
                    guard let digit = peek(), ("0"..."9").contains(digit) else { throw fault("{ needs a backslash") }
                    output += "{"
                default: output.unicodeScalars.append(scalar)
                }
            }
            return output
        }

        private func peek() -> Unicode.Scalar? { place < scalars.count ? scalars[place] : nil }

        private mutating func next() -> Unicode.Scalar? {
            guard let scalar = peek() else { return nil }
            place += 1
            return scalar
        }

        private func follows(_ text: String) -> Bool { scalars[place...].starts(with: text.unicodeScalars) }

        private mutating func group() throws(MMError) {
            output += "("
            if peek() == "*" { throw fault("nothing can be repeated by *") }
            guard peek() == "?" else { return }
            guard let opening = ["?:", "?=", "?!", "?<=", "?<!", "?<"].first(where: follows) else {
                throw fault("a group that begins with (? and an unknown sign")
            }
            place += opening.unicodeScalars.count
            output += opening
        }

        private mutating func escape(inSet: Bool) throws(MMError) {
            guard let scalar = next() else { throw fault("\\ at the end") }
            switch scalar {
            case "s": output += inSet ? Self.space : "[\(Self.space)]"
            case "S" where !inSet: output += "[^\(Self.space)]"
            case "b" where inSet: output += #"\x08"#
            case "B" where inSet: throw fault("\\B in a set")
            case "v": output += #"\x0b"#
            case "p", "P":
                let name = scalars[place...].prefix { $0 != "}" }
                guard name.first == "{", name.count > 1, place + name.count < scalars.count else {
                    throw fault("\\\(scalar) without a property")
                }
                place += name.count + 1
                output += "\\\(scalar)\(String(String.UnicodeScalarView(name)))}"
            case "x": output += "\\x{\(try hexadecimal(2))}"
            case "u": output += "\\x{\(try codePoint())}"
            case "k" where !inSet && peek() == "<": output += #"\k"#
            case "c":
                guard let letter = peek(), letter.isASCII, letter.properties.isAlphabetic else {
                    throw fault("\\c without a letter")
                }
                output += #"\c"#
            case "d", "D", "w", "W", "S", "b", "B", "f", "n", "r", "t", "0"..."9":
                output += "\\\(scalar)"
            default:
                guard scalar.isASCII, !scalar.properties.isAlphabetic else { throw fault("\\\(scalar)") }
                output += "\\\(scalar)"
            }
        }

        /// Reads what follows `\u`: `{…}`, four digits, or a surrogate pair.
        private mutating func codePoint() throws(MMError) -> String {
            if peek() == "{" {
                let digits = scalars[place...].prefix { $0 != "}" }.dropFirst()
                guard (1...6).contains(digits.count), digits.allSatisfy(\.properties.isASCIIHexDigit) else {
                    throw fault("\\u{ without digits")
                }
                place += digits.count + 2
                return String(String.UnicodeScalarView(digits))
            }
            let high = try hexadecimal(4)
            guard let value = UInt32(high, radix: 16), (0xD800...0xDBFF).contains(value), follows("\\u") else {
                return high
            }
            place += 2
            guard let low = UInt32(try hexadecimal(4), radix: 16), (0xDC00...0xDFFF).contains(low) else {
                throw fault("half of a surrogate pair")
            }
            return String(0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00), radix: 16)
        }

        private mutating func hexadecimal(_ count: Int) throws(MMError) -> String {
            let digits = scalars[place...].prefix(count)
            guard digits.count == count, digits.allSatisfy(\.properties.isASCIIHexDigit) else {
                throw fault("an escape without \(count) hexadecimal digits")
            }
            place += count
            return String(String.UnicodeScalarView(digits))
        }

        private mutating func set() throws(MMError) {
            output += "["
            if peek() == "^" {
                place += 1
                output += "^"
            }
            while let scalar = next() {
                switch scalar {
                case "]":
                    output += "]"
                    return
                case "\\": try escape(inSet: true)
                // Escaped, so that PCRE2 reads no POSIX class here.
                case "[": output += #"\["#
                default: output.unicodeScalars.append(scalar)
                }
            }
            throw fault("a set without ]")
        }

        private func fault(_ what: String) -> MMError {
            MMError(.invalidInput, "\(what), at character \(place) of \(text).")
        }
    }
}
