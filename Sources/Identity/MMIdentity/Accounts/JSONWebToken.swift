package import MMCore

/// A JSON web token taken apart (RFC 7515, section 3.1). Nothing of it is verified: whoever reads one decides what it is worth.
package struct JSONWebToken: Sendable {
    /// What it says.
    package let claims: JSONObject
    private let parts: [Substring]
    private let limits: JSONLimits

    /// Why a text is no such token.
    package enum Fault: Error, Sendable {
        /// It has not the three parts of one.
        case form
        /// Its claims can't be read.
        case claims
    }

    /// Takes a token apart.
    /// - Parameters:
    ///   - text: the token.
    ///   - limits: how large and deep its parts may be, and what becomes of a key that stands twice.
    package init(_ text: String, limits: JSONLimits) throws(Fault) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .form }
        guard let claims = Self.object(parts[1], limits) else { throw .claims }
        self.claims = claims
        self.parts = parts
        self.limits = limits
    }

    /// What it says of its signature; `nil` where that can't be read.
    package var header: JSONObject? { Self.object(parts[0], limits) }
    /// The signature; `nil` where it can't be read, or there is none.
    package var signature: [UInt8]? {
        Base64.bytes(String(parts[2]), alphabet: .url).flatMap { $0.isEmpty ? nil : $0 }
    }
    /// The bytes that are signed.
    package var signedBytes: [UInt8] { Array("\(parts[0]).\(parts[1])".utf8) }

    /// A claim that holds one text; `nil` for an empty one.
    package func text(_ claim: String) -> String? { claims[claim]?.string.flatMap { $0.isEmpty ? nil : $0 } }

    private static func object(_ part: Substring, _ limits: JSONLimits) -> JSONObject? {
        guard let bytes = Base64.bytes(String(part), alphabet: .url) else { return nil }
        return (try? JSONParser.parse(bytes, limits: limits))?.object
    }
}
