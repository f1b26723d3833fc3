internal import MMCore

/// The fields of a form (`application/x-www-form-urlencoded`), as sent to sign-in endpoints.
package struct FormFields: Sendable {
    private var fields: [(name: String, value: String)] = []

    /// Creates a form; fields whose value is `nil` are left out.
    package init(_ fields: KeyValuePairs<String, String?>) {
        for (name, value) in fields where value != nil { self.fields.append((name, value ?? "")) }
    }

    /// Parses the text of a form.
    /// - Returns: nil when it isn't one or repeats a field, which different parsers could read differently.
    package init?(reading body: some Collection<UInt8>) {
        guard body.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        for piece in body.split(separator: UInt8(ascii: "&")) {
            let end = piece.firstIndex(of: UInt8(ascii: "=")) ?? piece.endIndex
            guard let name = Self.decode(piece[..<end]), let value = Self.decode(piece[end...].dropFirst()),
                self[name] == nil
            else { return nil }
            fields.append((name, value))
        }
    }

    /// The value of a field; the name is case-insensitive. Setting a value replaces or adds it; setting nil removes it.
    package subscript(name: String) -> String? {
        get { position(of: name).map { fields[$0].value } }
        set {
            switch (position(of: name), newValue) {
            case (let position?, let value?): fields[position].value = value
            case (let position?, nil): fields.remove(at: position)
            case (nil, let value?): fields.append((name, value))
            case (nil, nil): break
            }
        }
    }

    /// The names in order.
    package var names: [String] { fields.map(\.name) }

    /// The encoded text. Spaces become `%20`, which every form parser accepts.
    package var body: [UInt8] {
        let text = fields.map { Self.encode($0.name) + "=" + Self.encode($0.value) }.joined(separator: "&")
        return Array(text.utf8)
    }

    private func position(of name: String) -> Int? {
        let wanted = name.lowercased()
        return fields.firstIndex { $0.name.lowercased() == wanted }
    }

    private static func decode(_ bytes: some Sequence<UInt8>) -> String? {
        PercentCoding.decode(bytes.map { $0 == UInt8(ascii: "+") ? 0x20 : $0 })
    }

    /// Returns a text encoded for a form or a query.
    static func encode(_ text: String) -> String {
        PercentCoding.encode(text) { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                true
            default: false
            }
        }
    }
}
