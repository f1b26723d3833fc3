/// The refusal of a request whose bearer secret is missing or wrong (RFC 6750, section 3).
package struct BearerRefusal: Sendable, Hashable {
    /// The message for people.
    package let message: String
    /// The value of `WWW-Authenticate`.
    package let challenge: String

    /// Creates a refusal.
    /// - Parameters:
    ///   - given: the request's `Authorization` header, if any.
    ///   - resourceMetadata: where a client finds the authorization server (RFC 9728, section 5.1), if there is one.
    package init(given: String?, resourceMetadata: String? = nil) {
        // RFC 6750: without a token there is no error code; only a token that was sent can be invalid.
        let isWrong = given?.prefix(7).lowercased() == "bearer "
        message =
            (isWrong ? "The bearer secret is wrong." : "A bearer secret is needed.")
            + " Send it with each request as Authorization: Bearer SECRET."
        var parameters = ["realm=\"mm\""]
        if isWrong { parameters.append("error=\"invalid_token\"") }
        if let resourceMetadata { parameters.append("resource_metadata=\"\(resourceMetadata)\"") }
        challenge = "Bearer " + parameters.joined(separator: ", ")
    }
}
