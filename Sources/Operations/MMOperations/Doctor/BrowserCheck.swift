package import MMCore
import MMIdentity

/// Checks the environment for sign-ins in a browser.
package enum BrowserCheck {
    /// Checks the environment variables that a sign-in in a browser reads.
    /// - Throws: `.invalidInput` for a variable that it can't use.
    package static func examine(_ environment: [String: String]) throws(MMError) {
        try IdentityService.checkSurroundings(environment)
    }
}
