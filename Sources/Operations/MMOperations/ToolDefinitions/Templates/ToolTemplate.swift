package import MMCore

/// A text with placeholders. An inserted value can't change the meaning of the text around it.
package struct ToolTemplate: Sendable, Hashable {
    /// A part of the text.
    package enum Piece: Sendable, Hashable {
        case text(String)
        case value(ToolReference)
    }

    /// The pieces in order.
    package let pieces: [Piece]

    /// Parses a text. `{{` and `}}` stand for single braces.
    /// - Throws: `invalidInput`.
    package init(_ text: String) throws(MMError) {
        var pieces: [Piece] = []
        var plain = ""
        var rest = text[...]
        while let character = rest.popFirst() {
            if (character == "{" || character == "}"), rest.first == character {
                rest.removeFirst()
                plain.append(character)
            } else if character == "{" {
                guard let end = rest.firstIndex(of: "}") else {
                    throw MMError(
                        .invalidInput, "A placeholder in `\(text.prefix(80))` is not closed.",
                        hint: "Close it with }, or write {{ for a literal brace.")
                }
                if !plain.isEmpty { pieces.append(.text(plain)) }
                plain = ""
                pieces.append(.value(try ToolReference(String(rest[..<end]))))
                rest = rest[rest.index(after: end)...]
            } else if character == "}" {
                throw MMError(
                    .invalidInput, "`\(text.prefix(80))` has a } without a {.", hint: "Write }} for a literal brace.")
            } else {
                plain.append(character)
            }
        }
        if !plain.isEmpty { pieces.append(.text(plain)) }
        self.pieces = pieces
    }

    /// The placeholders of the text.
    package var references: [ToolReference] {
        pieces.compactMap { if case .value(let reference) = $0 { reference } else { nil } }
    }

    /// Returns the text with its placeholders replaced.
    /// - Parameter put: returns the replacement of a placeholder within the given quotes.
    private func filled<Failure: Error>(
        _ put: (ToolReference, QuoteScan.State) throws(Failure) -> String
    ) throws(Failure) -> String {
        var quotes = QuoteScan()
        var text = ""
        for piece in pieces {
            switch piece {
            case .text(let plain):
                quotes.pass(plain)
                text += plain
            case .value(let reference): text += try put(reference, quotes.state)
            }
        }
        return text
    }

    // MARK: Paths

    /// Returns the text as a path, in which each value is exactly one segment or a part of it.
    /// - Throws: `invalidInput` for a value that is missing, empty, or `.` or `..`.
    package func path(in scope: ToolScope) throws(MMError) -> String {
        try filled { reference, quotes throws(MMError) in
            let text = try Self.single(reference, in: scope)
            guard !text.isEmpty, text != ".", text != ".." else {
                throw MMError(
                    .invalidInput, "`\(reference.text)` is `\(text)`, which can't be part of a path.",
                    hint: "Use a name or an id.", details: ["field": .string(reference.root)])
            }
            return PercentCoding.encode(Self.doubled(text, within: quotes), isPlain: Self.isUnreserved)
        }
    }

    // MARK: Queries

    /// Returns the text as the value of a query parameter, before percent-encoding: within quotes a value stays a
    /// string, outside it must be a single word.
    /// - Throws: `invalidInput` for a value that is missing, or that would change the expression.
    package func queryValue(in scope: ToolScope) throws(MMError) -> String {
        try filled { reference, quotes throws(MMError) in
            guard let value = try scope.value(of: reference) else { throw Self.missing(reference) }
            let texts = (value.array ?? [value]).compactMap(ToolParameter.text(of:))
            guard !texts.isEmpty else { throw Self.missing(reference) }
            switch quotes {
            case .single: return texts.map { Self.doubled($0, within: quotes) }.joined(separator: "','")
            case .double:
                return texts.map { $0.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") }.joined(
                    separator: " ")
            case .none:
                guard let odd = texts.first(where: { !Self.isWord($0) }) else { return texts.joined(separator: ",") }
                throw MMError(
                    .invalidInput,
                    "`\(reference.text)` is `\(odd.prefix(40))`, which needs quotes because it is more than one word.",
                    hint: "Put quotes around {\(reference.text)} in the definition, or use one word.",
                    details: ["field": .string(reference.root)])
            }
        }
    }

    // MARK: Bodies

    /// Returns the text as a JSON value: a placeholder alone keeps its value's type, and gives `nil` where it has no
    /// value.
    /// - Throws: `invalidInput` for a missing value within a text.
    package func json(in scope: ToolScope) throws(MMError) -> JSONValue? {
        if pieces.count == 1, case .value(let reference) = pieces[0] { return try scope.value(of: reference) }
        return .string(try filled { reference, _ throws(MMError) in try Self.single(reference, in: scope) })
    }

    // MARK: Showing

    /// Returns the text with the known values, with quotes doubled within quotes; other placeholders are kept.
    package func shown(in scope: ToolScope) -> String {
        filled { reference, quotes in
            let value = try? scope.value(of: reference)
            let known = value.flatMap(ToolParameter.text(of:)).map { Self.doubled($0, within: quotes) }
            return known ?? "{\(reference.text)}"
        }
    }

    // MARK: Values

    private static func single(_ reference: ToolReference, in scope: ToolScope) throws(MMError) -> String {
        guard let value = try scope.value(of: reference) else { throw missing(reference) }
        guard let text = ToolParameter.text(of: value) else {
            throw MMError(
                .invalidInput, "`\(reference.text)` is \(value.kindName), but a text is needed.",
                hint: "Use one of its members, or repeat the step with each.",
                details: ["field": .string(reference.root)])
        }
        return text
    }

    /// Doubles single quotes in a text within single quotes (OData Version 4.01, URL conventions).
    private static func doubled(_ text: String, within quotes: QuoteScan.State) -> String {
        quotes == .single ? text.replacing("'", with: "''") : text
    }

    private static func missing(_ reference: ToolReference) -> MMError {
        MMError(
            .invalidInput, "There is no value for `\(reference.text)`.",
            hint: "Provide it, or make the step conditional with when: \(reference.root).",
            details: ["field": .string(reference.root)])
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"), UInt8(ascii: "@"):
            true
        default: false
        }
    }

    private static func isWord(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                    UInt8(ascii: ":"), UInt8(ascii: "@"):
                    true
                default: false
                }
            }
    }
}

/// Tracks the quotes of an OData expression.
struct QuoteScan {
    /// The kind of quotes around the next character.
    enum State { case none, single, double }

    private(set) var state = State.none
    private var isEscaped = false

    /// Processes a part of the text.
    mutating func pass(_ text: String) {
        for character in text {
            if isEscaped {
                isEscaped = false
                continue
            }
            switch (state, character) {
            case (.none, "'"): state = .single
            case (.single, "'"): state = .none
            case (.none, "\""): state = .double
            case (.double, "\""): state = .none
            case (.double, "\\"): isEscaped = true
            default: continue
            }
        }
    }
}
