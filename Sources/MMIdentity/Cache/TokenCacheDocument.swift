internal import MMCore

/// A token cache in MSAL's format: a JSON object with one member per kind of entry, each an object of entries by key.
///
/// Entries are found by their fields, never by their keys, and everything unknown is preserved: other MSAL libraries
/// write other keys, more fields and more kinds (microsoft-authentication-library-for-python, `token_cache.py`).
struct TokenCacheDocument: Sendable, Hashable {
    /// The kinds of entries.
    enum Kind: String, CaseIterable {
        case accessToken = "AccessToken"
        case account = "Account"
        case idToken = "IdToken"
        case refreshToken = "RefreshToken"
        case appMetadata = "AppMetadata"
    }

    /// The whole content.
    private(set) var content: JSONObject

    init() {
        content = [:]
    }

    /// Parses the content of a cache file.
    /// - Throws: what is wrong with it, without revealing any of it.
    init(_ bytes: [UInt8]) throws(TokenCacheFault) {
        guard bytes.contains(where: { $0 > 0x20 }) else { throw TokenCacheFault("it is empty", isEmpty: true) }
        let value: JSONValue
        do {
            value = try JSONParser.parse(bytes, limits: JSONLimits(bytes: TokenCacheFile.limit, depth: 64))
        } catch {
            throw TokenCacheFault("it is broken: \(error)")
        }
        guard let object = value.object else { throw TokenCacheFault("it holds \(value.kindName), not an object") }
        for kind in Kind.allCases {
            guard let section = object[kind.rawValue] else { continue }
            guard section.object != nil else {
                throw TokenCacheFault("its \(kind.rawValue) is \(section.kindName), not an object")
            }
        }
        content = object
    }

    /// The content of the file, laid out as by MSAL for Python.
    var bytes: [UInt8] { JSONWriter.bytes(.object(content), layout: .indented(4)) }

    /// Returns the entries of a kind with their keys, in the file's order.
    func entries(_ kind: Kind) -> [(key: String, fields: JSONObject)] {
        (content[kind.rawValue]?.object ?? [:]).compactMap { member in
            member.value.object.map { (member.key, $0) }
        }
    }

    /// Sets an entry; an existing entry keeps its other fields.
    mutating func put(_ kind: Kind, key: String, _ fields: JSONObject) {
        var section = content[kind.rawValue]?.object ?? [:]
        var entry = section[key]?.object ?? [:]
        for (name, value) in fields { entry[name] = value }
        section[key] = .object(entry)
        content[kind.rawValue] = .object(section)
    }

    /// Removes the matching entries of a kind.
    mutating func remove(_ kind: Kind, where fits: (JSONObject) -> Bool) {
        guard var section = content[kind.rawValue]?.object else { return }
        for (key, value) in section where value.object.map(fits) == true { section[key] = nil }
        content[kind.rawValue] = .object(section)
    }
}

/// What is wrong with a token cache, phrased as the end of "The token cache can't be used: …".
struct TokenCacheFault: Error, Sendable, Hashable {
    /// The end of that sentence.
    let text: String
    /// Whether the file is empty, so that replacing it loses nothing.
    let isEmpty: Bool

    init(_ text: String, isEmpty: Bool = false) {
        self.text = text
        self.isEmpty = isEmpty
    }
}
