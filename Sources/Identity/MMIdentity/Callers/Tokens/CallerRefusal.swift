internal import MMCore

/// The reason why a request is refused because of its token (RFC 6750, section 3.1).
package struct CallerRefusal: Error, Sendable, Hashable {
    /// The kind of refusal, which decides what the client can do.
    package enum Kind: Sendable, Hashable {
        /// There is no token: the client must sign in.
        case missing
        /// The token isn't valid here: the client must sign in again.
        case invalid
        /// The token is valid but lacks a scope: the client must sign in for more scopes.
        case insufficientScope
        /// The token is valid but its owner isn't admitted: signing in again changes nothing.
        case forbidden
        /// The keys of the sign-in service are unavailable: try again later.
        case unavailable
    }

    /// The kind of refusal.
    package let kind: Kind
    /// The message for a person, without any content of the token.
    package let message: String
    /// The scopes that would suffice.
    package var scopes: [String] = []
    /// The claims that a service behind this one demands of a new token, as JSON ("claims challenge" of Entra ID).
    package var claims: String?

    /// Creates a refusal.
    package init(_ kind: Kind, _ message: String, scopes: [String] = []) {
        self.kind = kind
        self.message = message
        self.scopes = scopes
    }

    /// Returns the refusal of an invalid token.
    /// - Parameter fault: what is wrong, as the end of "The access token …".
    static func invalid(_ fault: String) -> CallerRefusal { CallerRefusal(.invalid, "The access token \(fault).") }

    /// The status code of the answer.
    package var status: Int {
        switch kind {
        case .missing, .invalid: 401
        case .insufficientScope, .forbidden: 403
        case .unavailable: 503
        }
    }

    /// Returns the value of the response's `WWW-Authenticate`; `nil` where signing in wouldn't help.
    /// - Parameter metadata: the URL of the protected resource metadata (RFC 9728, section 5.1).
    package func challenge(metadata: String) -> String? {
        var parameters: [String] = []
        switch kind {
        case .missing: break
        case .invalid where claims != nil: parameters.append("error=\"insufficient_claims\"")
        case .invalid: parameters.append("error=\"invalid_token\"")
        case .insufficientScope: parameters.append("error=\"insufficient_scope\"")
        case .forbidden, .unavailable: return nil
        }
        if kind != .missing { parameters.append("error_description=\"\(Self.quotable(message))\"") }
        if let claims { parameters.append("claims=\"\(Base64.text(Array(claims.utf8)))\"") }
        if !scopes.isEmpty { parameters.append("scope=\"\(scopes.joined(separator: " "))\"") }
        parameters.append("resource_metadata=\"\(metadata)\"")
        return "Bearer " + parameters.joined(separator: ", ")
    }

    /// Returns a text without the characters that RFC 6750 forbids in a description.
    private static func quotable(_ text: String) -> String {
        String(
            decoding: text.utf8.filter { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != 0x5C },
            as: UTF8.self)
    }
}
