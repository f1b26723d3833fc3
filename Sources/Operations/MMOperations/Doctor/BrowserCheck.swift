package import MMCore
import MMIdentity

/// Whether a browser finds its way back to a sign-in.
package enum BrowserCheck {
    /// Looks at the variables of an environment that a sign-in in a browser reads.
    /// - Throws: `.invalidInput` for one that it couldn't use.
    package static func examine(_ environment: [String: String]) throws(MMError) {
        try IdentityService.checkSurroundings(environment)
    }
}
