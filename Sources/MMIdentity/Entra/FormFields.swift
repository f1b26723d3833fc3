internal import MMCore

/// The fields of a form (`application/x-www-form-urlencoded`), as sign-in endpoints take them.
struct FormFields: Sendable {
    private var fields: [(name: String, value: String)] = []

    /// A form of these fields; `nil` values are left out.
    init(_ fields: KeyValuePairs<String, String?>) {
        for (name, value) in fields where value != nil { self.fields.append((name, value ?? "")) }
    }

    /// The encoded text. Blanks become `%20`, which every form reader takes.
    var body: [UInt8] {
        let text = fields.map { Self.encode($0.name) + "=" + Self.encode($0.value) }.joined(separator: "&")
        return Array(text.utf8)
    }

    private static func encode(_ text: String) -> String {
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
