internal import MMCore

/// Why a request is refused on account of its token (RFC 6750, section 3.1).
package struct CallerRefusal: Error, Sendable, Hashable {
    /// The kind of refusal, which decides what the client can do.
    package enum Kind: Sendable, Hashable {
        /// There is no token: sign in.
        case missing
        /// The token is worth nothing here: sign in again.
        case invalid
        /// The token is good and lacks a scope: sign in for more.
        case insufficientScope
        /// The token is good and its owner isn't admitted: signing in again changes nothing.
        case forbidden
        /// The keys of the sign-in service can't be had: try again later.
        case unavailable
    }

    /// The kind of refusal.
    package let kind: Kind
    /// What a person should know, without anything of the token itself.
    package let message: String
    /// Scopes that would do.
    package var scopes: [String] = []
    /// The claims that a service behind this one demands of a new token, as JSON ("claims challenge" of Entra ID).
    package var claims: String?

    /// A refusal.
    package init(_ kind: Kind, _ message: String, scopes: [String] = []) {
        self.kind = kind
        self.message = message
        self.scopes = scopes
    }

    /// A token that is worth nothing.
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

    /// The value of the answer's `WWW-Authenticate`; `nil` where signing in wouldn't help.
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

    /// A text as RFC 6750 allows it in a description.
    private static func quotable(_ text: String) -> String {
        String(
            decoding: text.utf8.filter { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != 0x5C },
            as: UTF8.self)
    }
}
