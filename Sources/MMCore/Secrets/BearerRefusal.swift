/// What a request that came without the bearer secret, or with a wrong one, is told (RFC 6750, section 3).
package struct BearerRefusal: Sendable, Hashable {
    /// The sentence for people.
    package let message: String
    /// The value of `WWW-Authenticate`.
    package let challenge: String

    /// A refusal.
    /// - Parameters:
    ///   - given: the request's `Authorization`, if it had one.
    ///   - resourceMetadata: where a client finds the server that gives out tokens (RFC 9728, section 5.1), if there is one.
    package init(given: String?, resourceMetadata: String? = nil) {
        // Without a token there is no error yet; what is wrong is only told of one that was given.
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
