package import MMCore

/// A sign-in that waits, in the words of the earlier servers.
package struct DeviceCode: Sendable {
    /// What the person types; the earlier servers called it the device code.
    package let code: String
    /// Where the person types it.
    package let address: String
    /// The service's own sentence.
    package let message: String
    /// When the code ends, where that is known.
    private let expiresAt: Timestamp?

    /// The sign-in behind an error; `nil` when the error is another, or names no code.
    package init?(_ error: MMError) {
        guard error.code == .signInNeeded else { return nil }
        self.init(details: error.details)
    }

    /// The sign-in of these details; `nil` without a code.
    package init?(details: JSONObject) {
        guard let code = details["userCode"]?.string else { return nil }
        self.code = code
        address = details["verificationUri"]?.string ?? Self.page
        expiresAt = details["expiresAt"]?.string.flatMap { Timestamp(iso8601: $0) }
        message = "To sign in, use a web browser to open \(address) and enter the code \(code)"
    }

    /// How long the code is still good for, in seconds: a quarter of an hour where nobody said.
    package func secondsLeft(at now: Timestamp) -> Int64 {
        expiresAt.map { max(0, $0.seconds - now.seconds) } ?? 900
    }

    /// The sentence as modules write it.
    package var words: String { "\(message) to authenticate." }

    /// The page that every public tenant uses.
    package static let page = "https://microsoft.com/devicelogin"

    /// Code and address, marked so that nobody overlooks them.
    package var heading: String { "**DEVICE CODE: \(code)**\nGo to: \(address)" }
}
