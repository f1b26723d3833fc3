package import MMCore

/// The tenant of a snapshot, with the values that every tenant has its own of.
package struct SnapshotTenant: Sendable, Hashable {
    /// The tenant's id.
    package let id: String
    /// The domain that new accounts get.
    package let defaultDomain: String?
    /// The domain that came with the tenant.
    package let initialDomain: String?

    /// Creates a tenant.
    package init(id: String, defaultDomain: String?, initialDomain: String?) {
        (self.id, self.defaultDomain, self.initialDomain) = (id, defaultDomain, initialDomain)
    }

    /// Reads the answer of `/organization`.
    init(id: String, organization: JSONObject) {
        let domains = organization["verifiedDomains"]?.array ?? []
        func domain(_ mark: String) -> String? { domains.first { $0[mark]?.bool == true }?["name"]?.string }
        self.init(
            id: organization["id"]?.string ?? id, defaultDomain: domain("isDefault"),
            initialDomain: domain("isInitial"))
    }

    /// A value in which the tenant's own values have the names that every tenant has for them.
    package func neutral(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(neutral(text))
        case .array(let items): .array(items.map(neutral))
        case .object(let members): .object(JSONObject(members.map { ($0.key, neutral($0.value)) }))
        default: value
        }
    }

    /// The same for a text.
    package func neutral(_ text: String) -> String {
        var text = text
        for (own, name) in [(id, "{tenant}"), (initialDomain, "{initial-domain}"), (defaultDomain, "{domain}")] {
            guard let own, !own.isEmpty else { continue }
            text = Self.replacing(own.lowercased(), with: name, in: text)
        }
        return text
    }

    /// Replaces a word where it stands by itself: a longer name that ends with it is another domain.
    private static func replacing(_ word: String, with other: String, in text: String) -> String {
        let lower = text.lowercased()
        guard lower.utf8.count == text.utf8.count, lower.contains(word) else { return text }
        let (bytes, small, wanted) = (Array(text.utf8), Array(lower.utf8), Array(word.utf8))
        var result: [UInt8] = []
        var place = 0
        while place < bytes.count {
            let end = place + wanted.count
            if end <= bytes.count, small[place..<end].elementsEqual(wanted),
                place == 0 || !isNamePart(small[place - 1]), end == bytes.count || !isNamePart(small[end])
            {
                result += Array(other.utf8)
                place = end
            } else {
                result.append(bytes[place])
                place += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isNamePart(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
        default: byte >= 0x80
        }
    }
}
