package import MMCore

extension IdentityService {
    /// Looks at the variables that a sign-in in a browser reads, before anybody is asked anything.
    /// - Throws: `.invalidInput` for an `MM_REDIRECT_ADDRESS` that is no address.
    package nonisolated func checkSurroundings() throws(MMError) {
        try Self.checkSurroundings(environment)
    }

    /// Looks at the variables of an environment that a sign-in in a browser reads.
    /// - Throws: `.invalidInput` for an `MM_REDIRECT_ADDRESS` that is no address.
    package static func checkSurroundings(_ environment: [String: String]) throws(MMError) {
        _ = try RedirectAddress(environment: environment)
    }
}
